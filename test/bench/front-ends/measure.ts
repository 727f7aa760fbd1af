/** Revokes phones that are asking all the while, and says until when they were let in. */
import { request } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { ExecutionContext } from 'ava'
import type { Running } from './kinds.ts'
import type { Issued } from '../../support/issued.ts'
import { startProber, type Asked, type Prober, type Way } from '../../support/prober.ts'
import type { PreparedService } from '../../support/prepared-service.ts'
import { until } from '../../support/running-agent.ts'
import type { Identity } from '../../support/tls-client.ts'

export type Version = 'TLSv1.2' | 'TLSv1.3'

/** Of one revocation, in milliseconds after its POST was sent: when the last request that was let in was sent, and the first that was not. */
export type Latency = { readonly way: Way, readonly lastAcceptedMs: number, readonly firstRefusedMs: number }

/** Longer than any front end may take. */
const forEverMs = 60_000
/** Old processes of a front end may let somebody in after new ones have refused. */
const quietMs = 200

export type Phone = { readonly identity: Identity, readonly serialNumber: string }
export const phoneOf = ({ pem, privateKeyPem, serialNumber }: Issued, chain: string): Phone =>
  ({ identity: { pem: pem + chain, privateKeyPem }, serialNumber: serialNumber.toString('hex') })

/** @returns the moment at which the request was sent, by `performance.now()` */
export async function revoke({ url, token }: PreparedService, serialNumber: string): Promise<number> {
  const body = JSON.stringify({ certificate: serialNumber, reason: 'keyCompromise' })
  return await new Promise<number>((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'content-length': body.length }
    const sent = request(`${url}/api/v1/certificates/revoke`, { method: 'POST', agent: false, headers }, response => {
      response.resume().on('end', () => { if (response.statusCode === 200) resolve(sentMs); else reject(new Error(`the revocation is answered ${response.statusCode}`)) })
    })
    sent.on('error', reject)
    const sentMs = performance.now()
    sent.end(body)
  })
}

/** @throws when it is let in for ever */
export async function revokeWhileAsking(t: ExecutionContext, service: PreparedService, { identity, serialNumber }: Phone, ports: ReadonlyMap<Way, number>, version: Version): Promise<Latency[]> {
  const probers = [...ports].map(([way, port]) => ({ way, prober: startProber(t, { port, identity, way, version }) }))
  try {
    await within(probers, ({ way, prober: { asked } }) => asked.length > 3 && isAccepted(asked.at(-1)!, way))
    const revokedMs = await revoke(service, serialNumber)
    await within(probers, ({ prober }) => isRefused(prober, revokedMs))
    return probers.map(({ way, prober: { asked } }) => ({
      way, lastAcceptedMs: Math.max(0, lastAccepted(asked) - revokedMs), firstRefusedMs: asked.find(({ sentMs, status }) => sentMs >= revokedMs && status !== 200)!.sentMs - revokedMs,
    }))
  } finally {
    await Promise.all(probers.map(async ({ prober }) => { await prober.stop() }))
  }
}

const isAccepted = ({ status, resumed }: Asked, way: Way): boolean => status === 200 && (way !== 'resumed' || resumed)
const lastAccepted = (asked: readonly Asked[]): number => asked.findLast(({ status }) => status === 200)!.sentMs

function isRefused({ asked }: Prober, revokedMs: number): boolean {
  const last = asked.at(-1)!
  // A front end that is just being reloaded may answer nobody: that is no refusal yet.
  const refused = typeof last.status === 'number' ? [400, 403].includes(last.status) : last.status.startsWith('ERR_SSL')
  return refused && last.sentMs > Math.max(revokedMs, lastAccepted(asked) + quietMs)
}

async function within(probers: readonly { way: Way, prober: Prober }[], isSo: (item: { way: Way, prober: Prober }) => boolean): Promise<void> {
  for (const item of probers) await soon(() => isSo(item), () => `${item.way}: ${JSON.stringify(item.prober.asked.at(-1))}`)
}

/** @throws with what is so instead, after a time that is longer than anything may take */
export async function soon(isSo: () => boolean | Promise<boolean>, instead: () => string): Promise<void> {
  const end = performance.now() + forEverMs
  await until(async () => {
    const yes = await isSo()
    if (!yes && performance.now() > end) throw new Error(`after ${forEverMs / 1000} s still ${instead()}`)
    return yes
  })
}

/** How long open requests of phones live on after they are revoked, in milliseconds. */
export async function measurePings(t: ExecutionContext, service: PreparedService, phones: readonly Phone[], { port, received }: Running): Promise<number[]> {
  const pings = phones.map(phone => ({ phone, ended: openPing(t, port, phone.identity) }))
  // A front end may keep the first bytes of an answer back, but the server behind it has the request.
  await soon(() => received.filter(({ url }) => url === '/ping').length >= phones.length, () => 'not every open request is there')
  return await Promise.all(pings.map(async ({ phone, ended }) => {
    const revokedMs = await revoke(service, phone.serialNumber)
    return await ended - revokedMs
  }))
}

/** @returns the moment of its end */
function openPing(t: ExecutionContext, port: number, { pem, privateKeyPem }: Identity): Promise<number> {
  return new Promise(resolve => {
    const sent = httpsRequest({ host: '127.0.0.1', port, path: '/ping', cert: pem, key: privateKeyPem, rejectUnauthorized: false, agent: false })
    sent.on('response', response => { response.resume().on('error', () => {}) })
    // Cut off before its answer has begun, it is an error; what comes after that is its end as well.
    sent.on('error', () => {}).on('close', () => { resolve(performance.now()) })
    t.teardown(() => { sent.destroy() })
    sent.end()
  })
}
