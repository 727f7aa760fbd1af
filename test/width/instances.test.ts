/** Several instances on one PostgreSQL behind nginx, directly and through PgBouncer in transaction mode. */
import { createHash, generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import pg from 'pg'
import { parseCrl } from '../../src/formats/crl.ts'
import { enrollPhone } from '../../src/phone/enroll.ts'
import { makeDeviceCa } from '../../src/phone/make-ca.ts'
import { askingFrom, type Asking } from '../support/asking.ts'
import { crlNumber } from '../support/crl-number.ts'
import { freePort } from '../support/free-port.ts'
import { instances, startBalancer } from '../support/instances.ts'
import { hasServer, ownServer } from '../support/own-server.ts'
import { peer } from '../support/peers.ts'
import { startPgBouncer } from '../support/pgbouncer.ts'
import { databaseForProcess, prepareService, type PreparedService } from '../support/prepared-service.ts'
import { until } from '../support/running-agent.ts'
import type { Served } from '../support/served.ts'
import { temporaryFolder } from '../support/temporary.ts'

type Fleet = {
  readonly prepared: PreparedService
  readonly running: readonly Served[]
  /** nginx before all of them. */
  readonly url: string
  readonly asking: Asking
  balancerLog(): string
  readonly deviceCaDir: string
  /** Past every pooler. */
  readonly databaseUrl: string
}

const ways = ['directly', 'through PgBouncer in transaction mode'] as const

/** Three instances, none of which runs yet. @returns undefined, with the reason printed, where a program is missing */
async function fleet(t: ExecutionContext, way: typeof ways[number], phones: number): Promise<Fleet | undefined> {
  const nginx = peer(t, 'nginx')
  const pgbouncer = way === 'directly' || nginx === undefined ? '' : peer(t, 'pgbouncer')
  if (nginx === undefined || pgbouncer === undefined) return undefined
  if (process.env['DATABASE_URL'] === undefined && !await hasServer()) {
    t.pass('skipped: there is no PostgreSQL')
    return undefined
  }
  const server = process.env['DATABASE_URL'] === undefined ? await ownServer() : undefined
  t.teardown(async () => { await server?.close() })
  const serverUrl = server?.url ?? process.env['DATABASE_URL']!
  const databaseUrl = (await databaseForProcess(t, serverUrl))!
  const [folder, port] = [await temporaryFolder(t), await freePort()]
  const deviceCaDir = join(folder, 'device-ca')
  await makeDeviceCa(deviceCaDir)
  const prepared = await prepareService(t, { databaseUrl, phones, frontEnds: [{ name: 'edge', kind: 'nginx' }], env: { LATCHKEY_TEST_DEVICE_CA: join(deviceCaDir, 'ca.pem') } })
  const pooler = pgbouncer === '' ? undefined : await startPgBouncer(pgbouncer, serverUrl)
  t.teardown(async () => { await pooler?.end() })
  const env = pooler === undefined ? prepared.env : { ...prepared.env, DATABASE_URL: pooler.before(databaseUrl), DATABASE_DIRECT_URL: databaseUrl }
  const running = await instances(3, folder, port, env)
  for (const instance of running) t.teardown(async () => { await instance.stop() })
  await running[0]!.start()
  const balancer = await startBalancer(nginx, port, running.map(({ url }) => Number(new URL(url).port)))
  t.teardown(balancer.end)
  const url = `http://127.0.0.1:${port}`
  return { prepared, running, url, deviceCaDir, databaseUrl, balancerLog: balancer.output, asking: await askingFrom(url, prepared.secretOf('edge')) }
}

const revokeBy = async (instance: Served, serial: string): Promise<unknown> => await instance.call('POST', '/certificates/revoke', { certificate: serial, reason: 'keyCompromise' })

for (const way of ways) {
  test.serial(`a revocation at one of three instances is seen at the others’ OCSP and /check, ${way}`, async t => {
    const all = await fleet(t, way, 4)
    if (all === undefined) return
    const { running, prepared: { phones }, asking } = all
    for (const instance of running.slice(1)) await instance.start()
    const [staying, ...leaving] = phones
    // Until it is remembered everywhere, which is what a revocation has to be stronger than.
    for (const phone of phones) for (const { url } of running) {
      for (let time = 0; time < 3; time++) t.deepEqual([await asking.check(url, phone), await asking.ocsp(url, phone)], [200, 'good'])
    }
    for (const [index, phone] of leaving.entries()) {
      await revokeBy(running[index]!, phone.serialNumber.toString('hex'))
      t.deepEqual([await asking.check(running[index]!.url, phone), await asking.ocsp(running[index]!.url, phone)], [403, 'revoked'], 'here at once')
      for (const { url } of running) {
        await until(async () => await asking.check(url, phone) === 403)
        await until(async () => await asking.ocsp(url, phone) === 'revoked')
        for (let time = 0; time < 3; time++) t.deepEqual([await asking.check(url, phone), await asking.ocsp(url, phone)], [403, 'revoked'], 'and for ever')
      }
    }
    for (const { url } of running) t.deepEqual([await asking.check(url, staying!), await asking.ocsp(url, staying!)], [200, 'good'])
    for (const instance of running) {
      await until(() => /notifications-(not-)?heard/.test(instance.output()))
      t.regex(instance.output(), /notifications-heard/)
    }
  })

  test.serial(`instances are killed and added under load: what was acknowledged holds, questions are answered all the while, and lists are published once, ${way}`, async t => {
    const all = await fleet(t, way, 2)
    if (all === undefined) return
    const { running, url, databaseUrl, balancerLog } = all
    await running[1]!.start()
    const numberBefore = await lastNumber(databaseUrl)
    const load = startLoad(all)
    await load.reached(4)
    await running[2]!.start()
    await load.reached(8)
    await running[0]!.kill()
    await load.reached(16)
    await running[0]!.start()
    await running[1]!.kill()
    await load.reached(24)
    await running[1]!.start()
    const { enrolled, revoked, wrong, faults } = await load.end()
    if (wrong.length > 0) t.log(balancerLog(), ...running.map(instance => instance.output().slice(-2000)))
    t.deepEqual(wrong, [], 'a question has the right answer, whoever is killed')
    t.deepEqual(faults, [], 'one number is one list, and numbers do not go back')
    t.true(enrolled.length >= 24 && revoked.length > 0)

    const client = new pg.Client({ connectionString: databaseUrl })
    await client.connect()
    t.teardown(async () => { await client.end() })
    const { rows } = await client.query<{ serial: string, state: string, revoked: boolean }>(`select encode(c.serial_number, 'hex') as serial, c.state, r.serial_number is not null as revoked
      from certificates c left join revocations r using (authority_id, serial_number)`)
    const bySerial = new Map(rows.map(row => [row.serial, row]))
    t.deepEqual(enrolled.filter(serial => bySerial.get(serial)?.state !== 'issued'), [], 'what a phone received is on record')
    t.deepEqual(revoked.filter(serial => bySerial.get(serial)?.revoked !== true), [], 'what was revoked is')
    await until(async () => await listed(url, revoked))
    // Each publication has a change in it that none before it had; one more is allowed for the addresses of these instances.
    const { rows: [{ changes }] } = await client.query(`select value::int as changes from counters where name = 'revocation-change'`) as unknown as { rows: [{ changes: number }] }
    t.true(await lastNumber(databaseUrl) - numberBefore <= changes + 1, 'no list was published twice')
  })
}

async function lastNumber(databaseUrl: string): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const { rows } = await client.query<{ number: number }>(`select crl_number::int as number from authorities where name = 'issuing'`)
    return rows[0]!.number
  } finally {
    await client.end()
  }
}

type Load = { reached(enrolled: number): Promise<void>, end(): Promise<{ enrolled: string[], revoked: string[], wrong: string[], faults: string[] }> }

/** Phones enroll and are revoked by way of nginx, two at a time, and front ends and OCSP clients ask. */
function startLoad({ prepared, url, asking, deviceCaDir }: Fleet): Load {
  const [enrolled, revoked, wrong, faults]: [string[], string[], string[], string[]] = [[], [], [], []]
  let over = false
  const call = caller(url, prepared.token)
  const keys = Array.from({ length: 3 }, (_, index) => generateKeyPairSync('rsa', { modulusLength: index === 0 ? 1024 : 2048 }).privateKey)
  const enroll = async (worker: number): Promise<void> => {
    await repeatedly(async () => await call('/approvals', { pattern: 'iPhone14,5', reason: 'a test' }))
    for (let index = 0; !over; index++) {
      const { url: link } = await repeatedly(async () => await call<{ url: string }>('/invitations', { name: 'Ada Lovelace', email: `ada-${worker}-${index}@example.org`, devices: 100 }))
      const serial = await repeatedly(async () => {
        const outcome = await enrollPhone({ link, product: 'iPhone14,5', build: '20A362', serial: `WIDE${worker}${String(index).padStart(7, '0')}`, deviceCaDir, keys: { device: keys[0]!, bootstrap: keys[1]!, identity: keys[2]! }, now: () => new Date() })
        if (outcome.outcome !== 'enrolled') throw new Error(JSON.stringify(outcome).slice(0, 300))
        return outcome.certificate.serialNumber
      })
      enrolled.push(serial)
      if (index % 4 !== 0) continue
      await repeatedly(async () => await call('/certificates/revoke', { certificate: serial, reason: 'superseded' }))
      revoked.push(serial)
    }
  }
  const ask = async (): Promise<void> => {
    const [phone] = prepared.phones
    while (!over) {
      const answers = [await asking.check(url, phone!), await asking.ocsp(url, phone!).catch((error: Error) => error.message)]
      if (answers[0] !== 200 || answers[1] !== 'good') wrong.push(answers.join())
    }
  }
  const working = [enroll(0), enroll(1), ask(), watchLists(url, () => over, faults)]
  const failed = Promise.all(working)
  failed.catch(() => {})
  return {
    reached: async count => { await Promise.race([until(() => enrolled.length >= count), failed]) },
    async end() {
      over = true
      await failed
      return { enrolled, revoked, wrong, faults }
    },
  }
}

const caller = (url: string, token: string) => async <T>(path: string, body: unknown): Promise<T> => {
  const response = await fetch(`${url}/api/v1${path}`, { method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: JSON.stringify(body) })
  const text = await response.text()
  if (response.status >= 300) throw new Error(`${path}: ${response.status} ${text}`)
  return JSON.parse(text) as T
}

/** What was not acknowledged is asked for again. */
async function repeatedly<T>(act: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await act()
    } catch (error) {
      if (attempt === 100) throw error
      await new Promise(resolve => { setTimeout(resolve, 20) })
    }
  }
}

async function watchLists(url: string, isOver: () => boolean, faults: string[]): Promise<void> {
  const seen = new Map<string, string>()
  const newest = new Map<string, { number: bigint, thisUpdate: Date }>()
  while (!isOver()) for (const path of ['issuing.crl', 'issuing-delta.crl', 'issuing/0.crl']) {
    const response = await fetch(`${url}/crl/${path}`)
    if (!response.ok) {
      faults.push(`${path}: ${response.status}`)
      continue
    }
    const der = Buffer.from(await response.arrayBuffer())
    const [list, sha256] = [parseCrl(der), createHash('sha256').update(der).digest('hex')]
    const [number, before] = [crlNumber(list), newest.get(path)]
    if ((seen.get(`${path} ${number}`) ?? sha256) !== sha256) faults.push(`${path}: number ${number} was used twice`)
    seen.set(`${path} ${number}`, sha256)
    if (before !== undefined && (number < before.number || number > before.number && list.thisUpdate < before.thisUpdate)) faults.push(`${path}: ${number} after ${before.number}`)
    newest.set(path, { number, thisUpdate: list.thisUpdate })
  }
}

async function listed(url: string, revoked: readonly string[]): Promise<boolean> {
  const found = new Set<string>()
  for (let partition = 0; partition < 4; partition++) {
    const der = Buffer.from(await (await fetch(`${url}/crl/issuing/${partition}.crl`)).arrayBuffer())
    for (const { serialNumber } of parseCrl(der).entries()) found.add(serialNumber)
  }
  return revoked.every(serial => found.has(serial))
}
