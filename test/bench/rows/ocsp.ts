/** OCSP: serial numbers that nobody asked about before, the same ones again, and requests with a nonce. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../../support/free-port.ts'
import { ask, bareServer, sampleOfCore } from '../asking.ts'
import { ocspRequest } from '../check-requests.ts'
import { serialNumberOf } from '../check-store.ts'
import { largeStore, numbers, type LargeStore } from '../large-store.ts'
import { opensslSigns } from '../limits.ts'
import { opensslCa } from '../peers/openssl-ca.ts'
import { startProgram } from '../processes.ts'
import { takeTurns, type Contender } from '../rounds.ts'
import { notInstalled, peerProgram, type Stage } from '../stage.ts'
import { aheadOf, reaches, type Series, type Work } from '../table.ts'

const connections = 64
/** An OCSP answer; a refusal is five bytes. */
const leastBytes = 250

/** @property serials  so many different ones, in so many requests */
type Case = { name: 'distinct' | 'repeated' | 'nonce', work: string, serials: number, requests: number, wanted: number }
const cases: readonly Case[] = [
  { name: 'distinct', work: 'OCSP, distinct serial numbers', serials: 100_000, requests: 100_000, wanted: 12_000 },
  { name: 'repeated', work: 'OCSP, 1,000 serial numbers again and again', serials: 1000, requests: 1000, wanted: 25_000 },
  { name: 'nonce', work: 'OCSP, with nonce', serials: 1000, requests: 50_000, wanted: 8_000 },
]
/** Its answers stand in its memory, so more of them would be no more work for it. */
const cfsslSerials = 10_000

export async function ocsp(stage: Stage): Promise<Work[]> {
  const store = await largeStore(stage)
  await store.start()
  const { latchkey, issuer, population } = store
  const all = population.good + population.revoked
  const [openssl, cfssl, bare] = [await opensslResponder(stage, store), await cfsslResponder(stage, store), await bareServer(stage.t)]
  const works: Work[] = []
  for (const { name, work, serials, requests, wanted } of cases) {
    const asked = numbers(serials, all)
    const bytes = (of: Parameters<typeof ocspRequest>[0], count = requests): Buffer[] => Array.from({ length: count }, (_, i) => ocspRequest(of, asked[i % serials]!, name === 'nonce'))
    const [own, question] = [bytes(issuer), { rate: 0, seconds: stage.sizes.seconds, connections, expected: [200] }]
    const contenders: Contender[] = [
      { who: 'Latchkey', measure: async () => sampleOfCore(await ask({ ...question, leastBytes, port: latchkey.port, pid: latchkey.pid()!, requests: own })) },
      openssl(bytes),
      cfssl(name, own),
      ...name === 'repeated' ? [] : [opensslSigns('ecdsap256')],
      { who: 'limit: bare node:http, the same requests', measure: async () => sampleOfCore(await ask({ ...question, ...bare, requests: own })) },
    ]
    const [ours, ...others] = await takeTurns(stage, work, contenders)
    const [limit, ...peers] = [others.at(-1)!, ...others.slice(0, -1)] as [Series, ...Series[]]
    const row = { row: 'ocsp', work, unit: '/s per core', better: 'more', ours: ours!, peers, limit } satisfies Omit<Work, 'targets'>
    works.push({ ...row, targets: [reaches(row, wanted, `${wanted.toLocaleString('en')}/s per core`), aheadOf(row, peers.filter(({ who }) => !who.startsWith('limit')), 1, 'ahead of each')] })
  }
  return works
}

/** It answers one at a time and closes the connection each time. */
async function opensslResponder(stage: Stage, { population }: LargeStore): Promise<(bytes: (of: Parameters<typeof ocspRequest>[0], count?: number) => Buffer[]) => Contender> {
  const all = population.good + population.revoked
  const ca = await opensslCa(join(await stage.folder(), 'openssl'), serialNumbers(all), population.good)
  const port = await freePort()
  const args = ['ocsp', '-port', String(port), '-index', ca.index, '-CA', join(ca.folder, 'ca.pem'), '-rsigner', ca.signer, '-rkey', ca.signerKey, '-nmin', '1']
  // A connection that says nothing, as one that only tries the port, would stop it.
  const { pid } = await startProgram(stage.t, 'openssl', args, /waiting for OCSP client connections/, 180_000)
  return bytes => ({
    who: 'openssl ocsp',
    measure: async () => sampleOfCore(await ask({ port, pid, rate: 0, seconds: stage.sizes.seconds, connections: 4, requests: bytes({ name: 'bench', certificate: ca.certificate }, 10_000), expected: [200], leastBytes, closes: true })),
  })
}

export function* serialNumbers(count: number): Generator<Buffer> {
  for (let n = 0; n < count; n++) yield serialNumberOf(n)
}

/** It serves answers that were signed beforehand; here those that Latchkey gives, so that they are the same bytes. */
async function cfsslResponder(stage: Stage, { latchkey, issuer, population }: LargeStore): Promise<(name: Case['name'], requests: readonly Buffer[]) => Contender> {
  const [who, program] = ['cfssl ocspserve, answers signed beforehand', peerProgram('cfssl')]
  if (program === undefined) return () => ({ who, notRun: notInstalled('cfssl') })
  const all = population.good + population.revoked
  const known = [...new Set(cases.slice(0, 2).flatMap(({ serials }) => numbers(serials, all).slice(0, cfsslSerials)))]
  const file = join(await stage.folder(), 'responses')
  await writeFile(file, (await answersAbout(known, `${latchkey.url}/ocsp/${issuer.name}`, n => ocspRequest(issuer, n, false))).join('\n'))
  const port = await freePort()
  const { pid } = await startProgram(stage.t, program, ['ocspserve', '-address', '127.0.0.1', '-port', String(port), '-responses', file, '-loglevel', '3'], port)
  return (name, requests) => name === 'nonce' ? { who, notRun: 'an answer signed beforehand has no nonce', cannot: true } : {
    who, measure: async () => sampleOfCore(await ask({ port, pid, rate: 0, seconds: stage.sizes.seconds, connections, requests: requests.slice(0, cfsslSerials), expected: [200], leastBytes })),
  }
}

/** In base64, as it reads them. */
async function answersAbout(asked: readonly number[], url: string, requestFor: (n: number) => Buffer): Promise<string[]> {
  const answers: string[] = []
  let next = 0
  await Promise.all(Array.from({ length: 32 }, async () => {
    while (next < asked.length) {
      const request = requestFor(asked[next++]!)
      const body = request.subarray(request.indexOf('\r\n\r\n') + 4)
      const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/ocsp-request' }, body: new Uint8Array(body) })
      answers.push(Buffer.from(await response.arrayBuffer()).toString('base64'))
    }
  }))
  return answers
}
