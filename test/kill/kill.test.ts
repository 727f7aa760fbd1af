import { join } from 'node:path'
import test from 'ava'
import { publishDue } from '../../src/http/upkeep.ts'
import { endLeases } from '../../src/schedule.ts'
import { parseCrl } from '../../src/formats/crl.ts'
import { loadConfig } from '../../src/config.ts'
import { openService } from '../../src/http/open-service.ts'
import { silentLog } from '../../src/http/log.ts'
import { openKeyring } from '../../src/keys/keyring.ts'
import { readPassphrase } from '../../src/keys/passphrase.ts'
import { crlFileStore } from '../../src/store/crls.ts'
import { openDatabase } from '../../src/store/open.ts'
import { activeAuthority } from '../../src/certificates/authority.ts'
import { testDatabase } from '../support/database.ts'
import { soak } from '../support/kill-soak.ts'
import { temporaryFolder } from '../support/temporary.ts'

// The whole number on a PostgreSQL server. The embedded database takes several times as long for each, so that it has half the kills here; `npm run soak:kill` kills either as often as one likes.
const onServer = process.env['DATABASE_URL'] !== undefined
const kills = Number(process.env['LATCHKEY_KILLS'] ?? (onServer ? 20 : 10))
const enrollments = Number(process.env['LATCHKEY_ENROLLMENTS'] ?? (onServer ? 1000 : 300))

test('a service killed at random moments loses no acknowledged certificate, signs none that cannot be revoked, and repeats no CRL number', async t => {
  t.timeout(4 * 3_600_000)
  const folder = await temporaryFolder(t)
  const { url: databaseUrl } = process.env['DATABASE_URL'] === undefined ? { url: undefined } : await testDatabase(t)
  const passphraseFile = join(folder, 'device-ca', 'ca-key.pem')
  const env: Record<string, string> = databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl, LATCHKEY_PASSPHRASE_FILE: passphraseFile }

  const { acknowledged, revoked, crlFaults, service, kills: killed } = await soak({ folder, kills, enrollments, env, report: line => t.log(line) })
  await service.stop()

  t.is(acknowledged.length, enrollments)
  t.is(killed, kills)
  t.deepEqual(crlFaults, [])

  // Ten minutes later every lease has ended: what was signed and never handed over is on the list.
  const config = loadConfig({ LATCHKEY_DATA: service.dataFolder, LATCHKEY_URL: service.url, LATCHKEY_PKI_URL: service.url, ...env })
  const db = await openDatabase({ databaseUrl: config.databaseUrl, directUrl: config.databaseDirectUrl, dataFolder: config.dataFolder })
  t.teardown(async () => await db.close())
  const later = new Date(Date.now() + 600_000)
  const opened = await openService({ config, db, keyring: openKeyring(readPassphrase({ ...config, keysExist: true })), now: () => later, log: silentLog })
  while (await endLeases(opened) > 0);
  await publishDue(opened, true)
  const rows = await db.query<{ serial: string, state: string, revoked: boolean }>(`
    select encode(c.serial_number, 'hex') as serial, c.state, r.serial_number is not null as revoked
    from certificates c left join revocations r on r.authority_id = c.authority_id and r.serial_number = c.serial_number`)
  const bySerial = new Map(rows.map(row => [row.serial, row]))
  t.deepEqual(acknowledged.filter(serial => bySerial.get(serial)?.state !== 'issued'), [], 'what a phone received is on record')
  t.deepEqual(revoked.filter(serial => bySerial.get(serial)?.revoked !== true), [], 'what was revoked stays revoked')
  t.deepEqual(await db.query('select * from reservations'), [], 'nothing stays half done')
  const abandoned = rows.filter(row => row.state === 'abandoned')
  t.log(`${rows.length} certificates, ${abandoned.length} of them never completed`)

  const listed = new Set<string>()
  for (const role of ['issuing', 'enrollment'] as const) {
    const head = await crlFileStore(db).newest(activeAuthority(opened.authorities(), role).id, 'complete')
    const der = await crlFileStore(db).read(head!)
    for (const entry of parseCrl(der!).entries()) listed.add(entry.serialNumber)
  }
  t.deepEqual([...revoked, ...abandoned.map(row => row.serial)].filter(serial => !listed.has(serial)), [], 'what is revoked or was never completed is on the signed list')
})
