import Router from '@koa/router'
import type { Context } from 'koa'
import { CaError } from '../../errors.ts'
import { activeAuthority, authorityNamed, chainOf, signerInForce, type Authority } from '../../certificates/authority.ts'
import type { EnrollmentDeps } from '../../enrollment/deps.ts'
import { certsOnly } from '../../formats/cms-sign.ts'
import { readBody } from '../../http/body.ts'
import { answerPkiOperation, maxPkiMessageBytes } from './pki-operation.ts'

/**
 * SCEP (RFC 8894) as Apple's client needs it. One word a line, each exactly as clients compare it.
 * SHA-1 and DES are left out on purpose. SHA-384 is there for strongSwan 5.9, which tests the wrong flags.
 */
const capabilities = ['AES', 'SHA-256', 'SHA-384', 'SHA-512', 'SCEPStandard', 'POSTPKIOperation', 'Renewal', ''].join('\n')

export function scepRouter(deps: EnrollmentDeps): Router {
  const router = new Router()
  // strongSwan asks with a slash at the end, others append pkiclient.exe.
  router.all('/scep/:authority{/*rest}', async ctx => {
    const authority = scepAuthority(deps, ctx.params['authority'] ?? '')
    ctx.set('cache-control', 'no-store')
    switch (only(ctx, 'operation')) {
      case 'GetCACaps': return send(reading(ctx), 'text/plain', Buffer.from(capabilities))
      case 'GetCACert': return send(reading(ctx), 'application/x-x509-ca-ra-cert', caCertificates(deps, authority))
      case 'PKIOperation': return send(ctx, 'application/x-pki-message', await answerPkiOperation(deps, authority, await readMessage(ctx)))
      default: throw new CaError('malformed-request', 'operation must be GetCACaps, GetCACert or PKIOperation')
    }
  })
  return router
}

/** The door of an authority that was replaced leads to its successor: configuration profiles on phones name it for years. */
function scepAuthority(deps: EnrollmentDeps, name: string): Authority {
  const { role } = authorityNamed(deps.authorities(), name)
  if (role === 'root') throw new CaError('authority-not-found', 'the root answers no requests')
  return activeAuthority(deps.authorities(), role)
}

/** @throws {CaError} method-not-allowed */
function reading(ctx: Context): Context {
  if (ctx.method !== 'GET' && ctx.method !== 'HEAD') throw new CaError('method-not-allowed', 'this operation is asked for by GET')
  return ctx
}

function send(ctx: Context, type: string, body: Buffer): void {
  ctx.set('content-type', type) // as it is: Koa's own setter adds a charset, and clients compare
  ctx.body = body
}

/** The registration authority first, then issuer to root: with their key usages a client has nothing to choose wrongly. */
function caCertificates(deps: EnrollmentDeps, authority: Authority): Buffer {
  const authorities = deps.authorities()
  const registration = signerInForce(authorities, authority.id, 'scep-ra', deps.now()).certificate.raw
  return certsOnly([registration, ...chainOf(authorities, authority).map(({ certificate }) => certificate.raw)])
}

async function readMessage(ctx: Context): Promise<Buffer> {
  if (ctx.method === 'POST') return await readBody(ctx.req, maxPkiMessageBytes)
  if (ctx.method !== 'GET') throw new CaError('method-not-allowed', 'PKIOperation is sent by GET or POST')
  // Some clients leave + as it is; decoding the query makes it a space.
  const base64 = (only(ctx, 'message') ?? '').replaceAll(' ', '+').replace(/[\r\n]/g, '')
  if (base64.length > maxPkiMessageBytes * 4 / 3 + 4) throw new CaError('body-too-large', 'the message is too large')
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) throw new CaError('malformed-request', 'message is not base64')
  return Buffer.from(base64, 'base64')
}

/** A query parameter that may stand once. @throws {CaError} malformed-request when it is repeated */
function only(ctx: Context, name: string): string | undefined {
  const value = ctx.query[name]
  if (Array.isArray(value)) throw new CaError('malformed-request', `${name} stands more than once`)
  return value
}
