/** Certificates issued from requests over HTTP: P-256, each durable before the answer. */
import { certificationRequest } from '../../../src/agent/enroll.ts'
import { signCertificationRequest } from '../../../src/formats/certification-request.ts'
import { subjectAltName } from '../../../src/formats/extensions.ts'
import { toPem } from '../../../src/formats/pem.ts'
import { commonName, newSigner, type TestSigner } from '../../support/signers.ts'
import { ask, bareServer, httpRequest, sampleOf } from '../asking.ts'
import { frontEnd, latchkeyOn } from '../latchkey.ts'
import { opensslSigns } from '../limits.ts'
import { cfsslServer } from '../peers/cfssl.ts'
import { stepCa, type StepCa } from '../peers/step-ca.ts'
import { orNotRun, takeTurns, type Contender, type Sample } from '../rounds.ts'
import { notInstalled, peerProgram, type Stage } from '../stage.ts'
import { aheadOf, reaches, type Series, type Work } from '../table.ts'

const connections = 32
/** So many keys take turns: what is asked is never the same twice in a row. */
const keyCount = 64

export async function issuing(stage: Stage): Promise<Work[]> {
  const keys = Array.from({ length: keyCount }, () => newSigner())
  const { seconds } = stage.sizes
  const latchkey = await latchkeyOn(stage, 'issuing')
  await latchkey.start()
  const own = await Promise.all(keys.map(async ({ privateKey }) => httpRequest('POST', `/agents/${frontEnd.name}`, { authorization: `Bearer ${frontEnd.secret}`, 'content-type': 'application/pkcs10' }, await certificationRequest(privateKey, frontEnd.name))))
  const bare = await bareServer(stage.t)
  const contenders: Contender[] = [
    { who: 'Latchkey', measure: async () => sampleOf(await ask({ port: latchkey.port, pid: latchkey.pid()!, rate: 0, seconds, connections, requests: own, expected: [201] })) },
    ...await stepContenders(stage, keys),
    await orNotRun('cfssl sign, PostgreSQL', async () => await cfsslContender(stage, keys)),
    { who: 'limit: bare node:http, the same requests', measure: async () => sampleOf(await ask({ ...bare, rate: 0, seconds, connections, requests: own, expected: [200] })) },
    opensslSigns('ecdsap256'),
  ]
  const [ours, ...others] = await takeTurns(stage, 'issuing', contenders)
  const [limit, ...peers] = [others.at(-1)!, ...others.slice(0, -1)] as [Series, ...Series[]]
  const work = { row: 'issuing', work: 'certificates issued from requests, P-256, in PostgreSQL before the answer', unit: '/s', better: 'more', ours: ours!, peers, limit } satisfies Omit<Work, 'targets'>
  return [{ ...work, targets: [reaches(work, 2000, '2,000/s'), aheadOf(work, peers.filter(({ who }) => who === 'step-ca, PostgreSQL'), 2, '2 × step-ca on the same PostgreSQL')] }]
}

async function stepContenders(stage: Stage, keys: readonly TestSigner[]): Promise<Contender[]> {
  const names = ['step-ca, PostgreSQL', 'step-ca, its own store (Badger)']
  const program = peerProgram('step-ca')
  if (program === undefined) return names.map(who => ({ who, notRun: notInstalled('step-ca') }))
  const stores = [{ type: 'postgresql', url: await stage.database('step') }, { type: 'badgerv2' }] as const
  const requests = await Promise.all(keys.map(async (key, index) => await namedRequest(key, nameOf(index))))
  return await Promise.all(stores.map(async (store, index): Promise<Contender> => await orNotRun(names[index]!, async () => {
    const ca = await stepCa(stage, program, store)
    return { who: names[index]!, measure: async () => await askStep(stage, ca, requests) }
  })))
}

const nameOf = (index: number): string => `phone-${index}.example.com`

/** Tokens are good once: no more are made than can be used in the time, and warming has some of its own. */
async function askStep({ sizes: { seconds } }: Stage, ca: StepCa, pems: readonly string[]): Promise<Sample> {
  const requests = (count: number): Buffer[] => Array.from({ length: count }, (_, index) => {
    const n = index % pems.length
    return httpRequest('POST', '/1.0/sign', { 'content-type': 'application/json' }, Buffer.from(JSON.stringify({ csr: pems[n], ott: ca.tokenFor(nameOf(n)) })))
  })
  const question = { port: ca.port, pid: ca.pid, rate: 0, connections, expected: [201], once: true, tls: true, warmSeconds: 0 }
  await ask({ ...question, seconds: 1, requests: requests(500) })
  return sampleOf(await ask({ ...question, seconds, requests: requests(Math.ceil(seconds * 1500)) }))
}

async function cfsslContender(stage: Stage, keys: readonly TestSigner[]): Promise<Contender> {
  const [who, program] = ['cfssl sign, PostgreSQL', peerProgram('cfssl')]
  if (program === undefined) return { who, notRun: notInstalled('cfssl') }
  const cfssl = await cfsslServer(stage, program, await stage.database('cfssl'))
  const requests = await Promise.all(keys.map(async (key, index) => httpRequest('POST', '/api/v1/cfssl/sign', { 'content-type': 'application/json' },
    Buffer.from(JSON.stringify({ certificate_request: await namedRequest(key, nameOf(index)) })))))
  return { who, measure: async () => sampleOf(await ask({ ...cfssl, rate: 0, seconds: stage.sizes.seconds, connections, requests, expected: [200] })) }
}

/** PEM, with the name as a DNS name too, as both of them want it. */
async function namedRequest(key: TestSigner, name: string): Promise<string> {
  const extensions = [subjectAltName([{ type: 'dNSName', value: name }])]
  return toPem('CERTIFICATE REQUEST', await signCertificationRequest({ subject: commonName(name), subjectPublicKeyInfo: key.subjectPublicKeyInfo, extensions }, key))
}
