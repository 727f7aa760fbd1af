import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { certificationRequest, newKey } from '../../../src/agent/enroll.ts'
import { toPem } from '../../../src/formats/pem.ts'
import { ocspRequestFor, ocspStatusIn } from '../../support/ocsp.ts'
import { checkRequest, ocspRequest } from '../check-requests.ts'
import { derOf, serialNumberOf } from '../check-store.ts'
import type { Offered, Order } from '../load.ts'
import type { Fleet } from './fleet.ts'
import { secret, type WidthStore } from './store.ts'

export const kinds = ['issued', '/check', 'OCSP, repeated', 'OCSP, distinct'] as const
export type Answered = Readonly<Record<typeof kinds[number], Offered>>
type How = { seconds: number, connections: number, say: (line: string) => void }

/** What nginx passes on, at most, one kind after the other. */
export async function answersOf(store: WidthStore, { port }: Fleet, { seconds, connections, say }: How): Promise<Answered> {
  const { population, template, issuer } = store
  const all = population.good + population.revoked
  const spread = (count: number): number[] => Array.from({ length: count }, (_, index) => index * 7919 % all).map(n => n < population.good ? n % store.asked : n)
  const asked = spread(1000)
  const requests: Record<typeof kinds[number], { bytes: Buffer[], expected: number[], connections: number }> = {
    issued: { bytes: await issuing(), expected: [201], connections: Math.min(connections, 32) },
    '/check': { bytes: asked.map(n => checkRequest(template, n, secret)), expected: asked.map(n => n < population.good ? 200 : 403), connections },
    'OCSP, repeated': { bytes: asked.map(n => ocspRequest(issuer, n, false)), expected: [200], connections },
    'OCSP, distinct': { bytes: spread(Math.min(all, 50_000)).map(n => ocspRequest(issuer, n, false)), expected: [200], connections },
  }
  const answered: Partial<Record<typeof kinds[number], Offered>> = {}
  for (const kind of kinds) {
    const { bytes, ...rest } = requests[kind]
    const offered = answered[kind] = await offer({ port, rate: 0, seconds, requests: bytes.map(each => each.toString('base64')), ...rest })
    say(`  ${kind}: ${offered.perSecond}/s, p50 ${offered.p50.toFixed(2)}, p99 ${offered.p99.toFixed(2)} ms, wrong ${offered.wrong}`)
  }
  return answered as Answered
}

/** Certificates for P-256 keys, each durable before the answer, with keys made beforehand. */
async function issuing(): Promise<Buffer[]> {
  return await Promise.all(Array.from({ length: 32 }, async () => {
    const body = await certificationRequest(newKey(), 'bench')
    const head = `POST /agents/bench HTTP/1.1\r\nHost: latchkey.example.com\r\nAuthorization: Bearer ${secret}\r\nContent-Type: application/pkcs10\r\nContent-Length: ${body.length}\r\n\r\n`
    return Buffer.concat([Buffer.from(head), body])
  }))
}

/** After a second that is not counted, in which what is asked often is remembered. */
async function offer(order: Order): Promise<Offered> {
  const child = fork(fileURLToPath(new URL('../load.ts', import.meta.url)))
  const answer = async (asked: Order): Promise<Offered> => {
    child.send(asked)
    return (await Promise.race([once(child, 'message'), once(child, 'exit').then(() => { throw new Error('the process that asks has ended') })]))[0] as Offered
  }
  try {
    await answer({ ...order, seconds: 1 })
    return await answer(order)
  } finally {
    child.kill()
  }
}

/**
 * How long after a revocation was acknowledged by the first instance each of the others refuses at `/check` and in OCSP: ms,
 * the later of both. All of them remember the certificate as good before, and are asked all the while.
 */
export async function seenAfter(store: WidthStore, { running }: Fleet, revocations: number): Promise<number[]> {
  const seen: number[] = []
  for (let turn = 0; turn < revocations; turn++) {
    const n = store.nextGood()
    for (const { url } of running) for (let time = 0; time < 3; time++) await refused(store, url, n)
    let acknowledged = Infinity
    const watching = running.slice(1).map(async ({ url }) => {
      for (;;) {
        const { check, ocsp } = await refused(store, url, n)
        if (check && ocsp) return performance.now()
      }
    })
    await running[0]!.call('POST', '/certificates/revoke', { certificate: serialNumberOf(n).toString('hex'), reason: 'keyCompromise' })
    acknowledged = performance.now()
    // It may be seen elsewhere before whoever asked for it is told.
    for (const at of await Promise.all(watching)) seen.push(Math.max(0, at - acknowledged))
  }
  return seen
}

async function refused({ template, issuer }: WidthStore, url: string, n: number): Promise<{ check: boolean, ocsp: boolean }> {
  const pem = encodeURIComponent(toPem('CERTIFICATE', derOf(template, n)))
  const [check, ocsp] = await Promise.all([
    fetch(`${url}/check/bench`, { headers: { authorization: `Bearer ${secret}`, 'x-ssl-client-escaped-cert': pem } }),
    fetch(`${url}/ocsp/${issuer.name}`, { method: 'POST', headers: { 'content-type': 'application/ocsp-request' }, body: new Uint8Array(ocspRequestFor(issuer.certificate, serialNumberOf(n))) }),
  ])
  await check.arrayBuffer()
  if (check.status !== 200 && check.status !== 403) throw new Error(`/check answered ${check.status}`)
  return { check: check.status === 403, ocsp: ocspStatusIn(Buffer.from(await ocsp.arrayBuffer())) === 'revoked' }
}
