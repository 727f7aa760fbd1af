/** A PostgreSQL primary is lost under load, and its synchronous standby takes over. */
import test from 'ava'
import pg from 'pg'
import { migrationsFolder, readMigrations } from '../../src/store/migrate.ts'
import { askingFrom } from '../support/asking.ts'
import { hasServer } from '../support/own-server.ts'
import { prepareService } from '../support/prepared-service.ts'
import { replicatedServer } from '../support/replicated-server.ts'
import { until } from '../support/running-agent.ts'
import { served, type Served } from '../support/served.ts'
import { serverDatabase } from '../support/server-database.ts'
import { temporaryFolder } from '../support/temporary.ts'

type Acknowledged = { invitations: string[], revoked: string[] }

test('when the primary is lost nothing acknowledged is, questions are answered from memory for as long as the policy says, and writing goes on by itself', async t => {
  if (!await hasServer()) return t.pass('skipped: there is no PostgreSQL')
  const servers = await replicatedServer()
  t.teardown(servers.close)
  const { url: primaryUrl } = await serverDatabase(servers.primaryUrl, await readMigrations(migrationsFolder))
  const databaseUrl = servers.withStandby(primaryUrl)
  const prepared = await prepareService(t, { databaseUrl: primaryUrl, phones: 60, frontEnds: [{ name: 'edge', kind: 'nginx' }] })
  const folder = await temporaryFolder(t)
  const instance = async (name: string, lossSeconds: number): Promise<Served> => {
    const made = await served(`${folder}/${name}`, { ...prepared.env, DATABASE_URL: databaseUrl, LATCHKEY_DATABASE_LOSS_SECONDS: String(lossSeconds) })
    t.teardown(async () => { await made.stop() })
    await made.start()
    return made
  }
  const [patient, strict] = [await instance('patient', 600), await instance('strict', 1)]
  const { check, ocsp } = await askingFrom(patient.url, prepared.secretOf('edge'))
  const [good, revoked, ...others] = prepared.phones
  await revoke(strict, revoked!.serialNumber)
  for (const { url } of [patient, strict]) {
    await until(async () => await check(url, revoked!) === 403 && await ocsp(url, revoked!) === 'revoked')
    for (let time = 0; time < 3; time++) t.deepEqual([await check(url, good!), await ocsp(url, good!)], [200, 'good'])
  }

  const told: string[] = []
  const acknowledged: Acknowledged = { invitations: [], revoked: [] }
  let over = false
  const isOver = (): boolean => over
  const load = Promise.all([
    askOn(isOver, async () => { told.push(`${await check(patient.url, good!)} ${await ocsp(patient.url, good!)} ${await check(patient.url, revoked!)} ${await ocsp(patient.url, revoked!)}`) }),
    write(isOver, patient, 'patient', others.slice(0, 29), acknowledged), write(isOver, strict, 'strict', others.slice(29), acknowledged),
  ])
  load.catch(() => {})
  const wrote = async (more: number): Promise<void> => {
    const before = acknowledged.invitations.length
    await Promise.race([until(() => acknowledged.invitations.length >= before + more), load])
  }
  await wrote(10)
  await servers.losePrimary()
  const lost = told.length
  await until(async () => await check(strict.url, good!) === 503 && await ocsp(strict.url, good!) === 'none')
  t.not(await check(strict.url, revoked!), 200)
  await until(() => told.length >= lost + 20)
  await servers.promote()
  await wrote(10)
  for (const instance of [patient, strict]) {
    await until(async () => await check(instance.url, good!) === 200)
    await instance.call('POST', '/invitations', { name: 'Ada Lovelace', email: 'after@example.org', devices: 1 })
  }
  over = true
  await load
  t.deepEqual([...new Set(told)], ['200 good 403 revoked'], 'who may go on without the database for long was sure all the while')

  const survivor = new pg.Client({ connectionString: servers.standbyOf(primaryUrl) })
  await survivor.connect()
  t.teardown(async () => { await survivor.end() })
  const idsThere = new Set((await survivor.query<{ id: string }>('select id from invitations')).rows.map(({ id }) => id))
  const revokedThere = new Set((await survivor.query<{ serial: string }>(`select encode(serial_number, 'hex') as serial from revocations`)).rows.map(({ serial }) => serial))
  t.deepEqual(acknowledged.invitations.filter(id => !idsThere.has(id)), [])
  t.deepEqual([...acknowledged.revoked, revoked!.serialNumber.toString('hex')].filter(serial => !revokedThere.has(serial)), [])
  // And the other instance hears of a change at once, as before.
  await revoke(patient, good!.serialNumber)
  await until(async () => await check(strict.url, good!) === 403)
})

const revoke = async (instance: Served, serialNumber: Buffer): Promise<unknown> =>
  await instance.call('POST', '/certificates/revoke', { certificate: serialNumber.toString('hex'), reason: 'keyCompromise' })

async function askOn(isOver: () => boolean, ask: () => Promise<void>): Promise<void> {
  while (!isOver()) await ask()
}

/** What is answered counts; what fails does not, and is not asked for again. */
async function write(isOver: () => boolean, instance: Served, name: string, phones: readonly { serialNumber: Buffer }[], acknowledged: Acknowledged): Promise<void> {
  for (let index = 0; !isOver(); index++) {
    try {
      const { id } = await instance.call<{ id: string }>('POST', '/invitations', { name: 'Ada Lovelace', email: `${name}-${index}@example.org`, devices: 1 })
      acknowledged.invitations.push(id)
      const phone = phones[Math.floor(index / 5)]
      if (index % 5 !== 0 || phone === undefined) continue
      await revoke(instance, phone.serialNumber)
      acknowledged.revoked.push(phone.serialNumber.toString('hex'))
    } catch {
      await new Promise(resolve => { setTimeout(resolve, 20) })
    }
  }
}
