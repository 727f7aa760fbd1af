import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { loadConfig } from '../src/config.ts'
import { CaError } from '../src/errors.ts'
import { serve } from '../src/serve.ts'
import { temporaryFolder } from './support/temporary.ts'

const refusal = (env: Record<string, string>): CaError => {
  try {
    loadConfig(env)
  } catch (error) {
    if (error instanceof CaError) return error
    throw error
  }
  throw new Error('the settings were taken')
}

test('an empty environment gives the documented defaults', t => {
  const config = loadConfig({})
  t.deepEqual(config.listen, { host: '127.0.0.1', port: 8080 })
  t.is(config.url, 'http://localhost:8080')
  t.is(config.pkiUrl, 'http://localhost:8080')
  t.is(config.dataFolder, 'var')
  t.is(config.databaseUrl, undefined)
  t.is(config.testDeviceCa, undefined)
  t.true(Object.isFrozen(config))
})

test('an empty setting is as good as none', t => {
  t.deepEqual(loadConfig({ LATCHKEY_LISTEN: '', LATCHKEY_DATA: '', DATABASE_URL: '' }), loadConfig({}))
})

test('every mistake is reported at once, by the name of its setting', t => {
  const error = refusal({
    LATCHKEY_LISTEN: 'nowhere', LATCHKEY_URL: 'ftp://example.com', LATCHKEY_PKI_URL: 'https://example.com', LATCHKEY_CRL_PARTITIONS: '0',
    LATCHKEY_TRUSTED_PROXIES: '10.0.0.0/99', LATCHKEY_KEY_TYPE: 'dsa', LATCHKEY_ORGANIZATION: 'a\u0000b', LATCHKEY_TEST_DEVICE_CA: '/nowhere/ca.pem',
    DATABASE_URL: 'mysql://host/db', LATCHKEY_CERTIFICATE_DAYS: '1e3', LATCHKEY_AGENT_URL: 'http://agents.example.com',
  })
  t.is(error.code, 'invalid-configuration')
  const named = error.message.split('\n').map(line => line.split(':')[0])
  t.deepEqual(named.toSorted(), [
    'DATABASE_URL', 'LATCHKEY_AGENT_URL', 'LATCHKEY_CERTIFICATE_DAYS', 'LATCHKEY_CRL_PARTITIONS', 'LATCHKEY_KEY_TYPE', 'LATCHKEY_LISTEN', 'LATCHKEY_ORGANIZATION',
    'LATCHKEY_PKI_URL', 'LATCHKEY_TEST_DEVICE_CA', 'LATCHKEY_TRUSTED_PROXIES', 'LATCHKEY_URL',
  ])
})

test('a mistake never repeats what may be a password', t => {
  t.notRegex(refusal({ DATABASE_URL: 'postgres//ada:swordfish@host/db' }).message, /swordfish/)
  t.notRegex(refusal({ LATCHKEY_URL: 'https://ada:swordfish@host' }).message, /swordfish/)
})

test('a database server needs a passphrase that every instance has', t => {
  t.regex(refusal({ DATABASE_URL: 'postgres://host/db' }).message, /^LATCHKEY_PASSPHRASE_FILE: /)
})

test('lists must live at least twice as long as the time between two', t => {
  t.regex(refusal({ LATCHKEY_CRL_VALIDITY_HOURS: '2', LATCHKEY_CRL_PERIOD_MINUTES: '90' }).message, /LATCHKEY_CRL_VALIDITY_HOURS/)
})

test('addresses may be IPv6, and the port may be chosen by the system', t => {
  t.deepEqual(loadConfig({ LATCHKEY_LISTEN: '[::1]:0' }).listen, { host: '::1', port: 0 })
})

test('a service with wrong settings starts nothing and leaves nothing behind', async t => {
  const dataFolder = join(await temporaryFolder(t), 'data')
  await t.throwsAsync(serve({ env: { LATCHKEY_DATA: dataFolder, LATCHKEY_LISTEN: 'x' }, print: () => {} }), { code: 'invalid-configuration' })
  await t.throwsAsync(import('node:fs/promises').then(async fs => await fs.stat(dataFolder)), { code: 'ENOENT' })
})

test('a test device CA that is no certificate is a mistake of the setting', async t => {
  const path = join(await temporaryFolder(t), 'ca.pem')
  writeFileSync(path, 'hello')
  t.regex(refusal({ LATCHKEY_TEST_DEVICE_CA: path }).message, /^LATCHKEY_TEST_DEVICE_CA: is not a PEM certificate/)
})
