import Router from '@koa/router'
import { activeAuthority, authorityNamed, chainOf, type Authorities, type Authority } from '../../certificates/authority.ts'
import { sha256 } from '../../certificates/issue.ts'
import { CaError } from '../../errors.ts'
import { toPem } from '../../formats/pem.ts'
import { answerArtefact, type Artefact } from '../../http/artefact.ts'
import type { Service } from '../../http/service.ts'

/** A certificate at its address never changes; which one is the active one does, seldom. */
const maxAgeSeconds = 300

/**
 * The authorities' certificates: `/ca/{authority}.cer` (DER, where AIA points), `/ca/root.pem`, and `/ca/chain.pem`,
 * the issuing authority and then its root, which is what a front end trusts; during a change also those before.
 */
export function caRouter(service: Service): Router {
  const router = new Router()
  router.get('/ca/root.pem', async ctx => { await answerArtefact(ctx, pem([activeAuthority(service.authorities(), 'root')])) })
  router.get('/ca/chain.pem', async ctx => {
    await answerArtefact(ctx, pem(trusted(service.authorities(), service.now())))
  })
  router.get('/ca/:file', async ctx => {
    const name = /^([a-z0-9-]{1,40})\.cer$/.exec(ctx.params['file'] ?? '')?.[1]
    if (name === undefined) throw new CaError('not-found', 'there is no certificate at this address')
    await answerArtefact(ctx, der(authorityNamed(service.authorities(), name)))
  })
  return router
}

/** The active issuing CA and its root; behind them those of issuing CAs that were followed by another and still count. */
function trusted(authorities: Authorities, now: Date): Authority[] {
  const retired = authorities.all.filter(({ role, active, certificate }) => role === 'issuing' && !active && now <= certificate.notAfter)
  return [...new Set([activeAuthority(authorities, 'issuing'), ...retired].flatMap(authority => chainOf(authorities, authority)))]
}

const der = ({ certificate }: Authority): Artefact => ({
  type: 'application/pkix-cert', sha256: sha256(certificate.raw), lastModified: certificate.notBefore, maxAgeSeconds, read: () => certificate.raw,
})

function pem(authorities: Authority[]): Artefact {
  const text = authorities.map(({ certificate }) => toPem('CERTIFICATE', certificate.raw)).join('')
  const newest = Math.max(...authorities.map(({ certificate }) => certificate.notBefore.getTime()))
  return { type: 'application/x-pem-file', sha256: sha256(Buffer.from(text)), lastModified: new Date(newest), maxAgeSeconds, read: () => text }
}
