/** Whole SCEP enrollments: one PKIOperation each, from messages that phones made beforehand. */
import type { KeyObject } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { oids } from '../../../src/formats/oids.ts'
import { toPem } from '../../../src/formats/pem.ts'
import { newRsaKey } from '../../../src/phone/keys.ts'
import type { ScepPayload } from '../../../src/phone/scep-payload.ts'
import { parseCaCertificates, type ScepCapabilities } from '../../../src/phone/scep-authority.ts'
import { pkcsReq, type ScepTransaction } from '../../../src/phone/scep.ts'
import type { Database } from '../../../src/store/db.ts'
import { run } from '../../support/peers.ts'
import { selfSigned } from '../../support/scep.ts'
import { ask, httpRequest, sampleOf } from '../asking.ts'
import { latchkeyOn } from '../latchkey.ts'
import { signaturesPerSecond } from '../limits.ts'
import { pemOfKey } from '../peers/files.ts'
import { micromdmScep } from '../peers/micromdm.ts'
import { stepCa } from '../peers/step-ca.ts'
import { orNotRun, takeTurns, type Contender, type Sample } from '../rounds.ts'
import { notInstalled, peerProgram, type Stage } from '../stage.ts'
import { aheadOf, type Series, type Work } from '../table.ts'

const connections = 16
const keyCount = 16
/** More than anybody answers in a second here. */
const mostPerSecond = 500

/** What all of them can do. It is not read from their GetCACaps, for step-ca ends its lines with CR LF, which no iPhone takes for a word. */
const capabilities: ScepCapabilities = { cipher: 'aes-128-cbc', digest: 'sha256', post: true }

/** @property challengeOf  of the nth phone that ever asks there */
type Door = { port: number, pid: number, scepUrl: string, challengeOf(n: number): string }

export async function scep(stage: Stage): Promise<Work[]> {
  const keys = await Promise.all(Array.from({ length: keyCount }, async () => await newRsaKey(2048)))
  const latchkey = await latchkeyOn(stage, 'scep', { fill: async ({ db, now }) => { await phonesBeforeScep(db, phonesOf(stage), now()) } })
  await latchkey.start()
  const ours = { port: latchkey.port, pid: latchkey.pid()!, scepUrl: `${latchkey.url}/scep/issuing`, challengeOf: challenge }
  const contenders: Contender[] = [
    await contenderAt(stage, 'Latchkey', ours, keys),
    await orNotRun('step-ca, PostgreSQL', async () => await stepContender(stage, keys)),
    await orNotRun('micromdm scepserver, its own store', async () => await micromdmContender(stage, keys)),
    { who: 'limit: openssl speed rsa2048, two private operations for each, on one core', measure: async () => ({ value: await signaturesPerSecond('rsa2048') / 2 }) },
  ]
  const [own, ...others] = await takeTurns(stage, 'SCEP', contenders)
  const [limit, ...peers] = [others.at(-1)!, ...others.slice(0, -1)] as [Series, ...Series[]]
  const work = { row: 'scep', work: 'SCEP enrollments (one PKIOperation)', unit: '/s', better: 'more', ours: own!, peers, limit } satisfies Omit<Work, 'targets'>
  return [{ ...work, targets: [aheadOf(work, peers, 3, '3 × step-ca and micromdm')] }]
}

const phonesOf = ({ sizes: { seconds, rounds } }: Stage): number => Math.ceil((seconds * mostPerSecond + 200) * rounds) + 10
const challenge = (n: number): string => `challenge-${n}`

/** As the second message of Over-the-Air enrollment leaves them: each phone with a challenge of its own. */
async function phonesBeforeScep(db: Database, count: number, at: Date): Promise<void> {
  const now = `'${at.toISOString()}'::timestamptz`
  const uuid = (kind: string): string => `md5('${kind}' || n)::uuid`
  const each = `from generate_series(0, ${count - 1}) n`
  await db.exec(`begin;
    insert into people (id, name, email, created_at) select ${uuid('person')}, 'Person ' || n, 'person-' || n || '@example.com', ${now} ${each};
    insert into devices (id, person_id, udid, serial_number, product_type, build, grade, test, known_at, created_at)
      select ${uuid('device')}, ${uuid('person')}, 'udid-' || n, 'SERIAL' || n, 'iPhone14,5', '20A362', 'signed', true, ${now}, ${now} ${each};
    insert into invitations (id, person_id, token_sha256, template, key_origin, devices_max, expires_at, created_at, created_by)
      select ${uuid('invitation')}, ${uuid('person')}, sha256(('token-' || n)::bytea), 'default', 'device', 1, ${now} + interval '7 days', ${now}, 'ada' ${each};
    insert into enrollments (id, invitation_id, challenge_sha256, challenge_expires_at, state, device_id, decided_at, created_at, updated_at)
      select 'bench-' || n, ${uuid('invitation')}, sha256(('ota-' || n)::bytea), ${now} + interval '1 day', 'profiled', ${uuid('device')}, ${now}, ${now}, ${now} ${each};
    insert into scep_challenges (challenge_sha256, enrollment_id, purpose, expires_at) select sha256(('challenge-' || n)::bytea), 'bench-' || n, 'device', ${now} + interval '1 day' ${each};
    commit`)
  await db.exec('vacuum analyze people, devices, invitations, enrollments, scep_challenges')
}

async function stepContender(stage: Stage, keys: readonly KeyObject[]): Promise<Contender> {
  const [who, program] = ['step-ca, PostgreSQL', peerProgram('step-ca')]
  if (program === undefined) return { who, notRun: notInstalled('step-ca') }
  const ca = await stepCa(stage, program, { type: 'postgresql', url: await stage.database('step') })
  return await contenderAt(stage, who, { port: ca.scepPort, pid: ca.pid, scepUrl: ca.scepUrl, challengeOf: () => ca.challenge }, keys)
}

async function micromdmContender(stage: Stage, keys: readonly KeyObject[]): Promise<Contender> {
  const [who, program] = ['micromdm scepserver, its own store', peerProgram('scepserver')]
  if (program === undefined) return { who, notRun: notInstalled('scepserver') }
  const server = await micromdmScep(stage, program)
  return await contenderAt(stage, who, { ...server, challengeOf: () => server.challenge }, keys)
}

/** Everybody's messages are made by the same simulated phones, each with a name, and where it matters a challenge, of its own. */
async function contenderAt(stage: Stage, who: string, door: Door, keys: readonly KeyObject[]): Promise<Contender> {
  const answer = await fetch(`${door.scepUrl}?operation=GetCACert`)
  const authority = parseCaCertificates(answer.headers.get('content-type') ?? '', Buffer.from(await answer.arrayBuffer()), undefined)
  const senders = await Promise.all(keys.map(async key => await selfSigned(key)))
  let next = 0
  const message = async (): Promise<{ transaction: ScepTransaction, bytes: Buffer }> => {
    const n = next++
    const signer = senders[n % senders.length]!
    const transaction = { payload: payloadFor(door, n), privateKey: signer.privateKey, signer, authority, capabilities, transactionID: `BENCH${n}` }
    return { transaction, bytes: await pkcsReq(transaction) }
  }
  const path = new URL(door.scepUrl).pathname
  const requests = async (count: number): Promise<Buffer[]> => {
    const all: Buffer[] = []
    for (let index = 0; index < count; index++) all.push(httpRequest('POST', `${path}?operation=PKIOperation`, { 'content-type': 'application/x-pki-message' }, (await message()).bytes))
    return all
  }
  // One is read to its end: of those that come later only the length is looked at.
  const first = await message()
  const reply = await send(door, first.bytes)
  await assertIssued(stage, reply, first.transaction)
  const leastBytes = Math.floor(reply.length * 0.9)
  const { seconds } = stage.sizes
  return {
    who, measure: async (): Promise<Sample> => {
      const question = { port: door.port, pid: door.pid, rate: 0, connections, expected: [200], leastBytes, once: true, warmSeconds: 0 }
      await ask({ ...question, seconds: 1, requests: await requests(100) })
      return sampleOf(await ask({ ...question, seconds, requests: await requests(Math.ceil(seconds * mostPerSecond)) }))
    },
  }
}

async function send({ scepUrl }: Door, message: Buffer): Promise<Buffer> {
  const answer = await fetch(`${scepUrl}?operation=PKIOperation`, { method: 'POST', headers: { 'content-type': 'application/x-pki-message' }, body: new Uint8Array(message) })
  return Buffer.from(await answer.arrayBuffer())
}

/** By openssl, for the peers sign their answers with SHA-1, and micromdm encrypts them with DES, which our own reader refuses. @throws when there is no certificate in it for this phone */
async function assertIssued(stage: Stage, reply: Buffer, { signer, payload }: ScepTransaction): Promise<void> {
  const folder = await stage.folder()
  const file = (name: string): string => join(folder, name)
  await writeFile(file('reply'), reply)
  await writeFile(file('signer.pem'), toPem('CERTIFICATE', signer.certificate.raw))
  await writeFile(file('key.pem'), pemOfKey(signer.privateKey))
  const steps = [
    ['cms', '-verify', '-noverify', '-binary', '-inform', 'DER', '-in', file('reply'), '-out', file('envelope')],
    ['cms', '-decrypt', '-provider', 'legacy', '-provider', 'default', '-binary', '-inform', 'DER', '-in', file('envelope'), '-recip', file('signer.pem'), '-inkey', file('key.pem'), '-out', file('certificates')],
    ['pkcs7', '-inform', 'DER', '-in', file('certificates'), '-print_certs', '-noout'],
  ]
  let printed = ''
  for (const step of steps) {
    const { status, stdout, stderr } = await run('openssl', step)
    if (status !== 0) throw new Error(`openssl ${step.slice(0, 2).join(' ')} of an answer of ${reply.length} bytes: ${stderr.slice(0, 200)}`)
    printed = stdout.toString()
  }
  if (!printed.includes('subject=')) throw new Error(`no certificate for ${payload.subject[0]!.value}: ${printed.slice(0, 200)}`)
}

const payloadFor = ({ scepUrl, challengeOf }: Door, n: number): ScepPayload => ({
  url: scepUrl, caName: '', challenge: challengeOf(n), subject: [{ type: oids.commonName, value: `phone-${n}.example.com` }], keySizeBits: 2048, extensions: [], caFingerprint: undefined, retries: 0, retryDelaySeconds: 1,
})
