import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { readPassphrase } from '../../src/keys/passphrase.ts'
import { temporaryFolder } from '../support/temporary.ts'

test('the first start makes a passphrase that only its owner may read, and later starts find it again', async t => {
  const dataFolder = await temporaryFolder(t)
  const made = readPassphrase({ passphraseFile: undefined, dataFolder, keysExist: false })
  t.true(made.length >= 40)
  t.is(statSync(join(dataFolder, 'passphrase')).mode & 0o777, 0o600)
  t.is(readPassphrase({ passphraseFile: undefined, dataFolder, keysExist: true }), made)
})

test('a first start that was cut off in the middle leaves nothing that stops the next one', async t => {
  const dataFolder = await temporaryFolder(t)
  writeFileSync(join(dataFolder, 'passphrase.0123456789ab'), '')
  t.true(readPassphrase({ passphraseFile: undefined, dataFolder, keysExist: false }).length >= 40)
  t.deepEqual(readdirSync(dataFolder).filter(name => name === 'passphrase'), ['passphrase'])
})

test('a passphrase that is gone while there are keys is asked for, not made anew', async t => {
  const dataFolder = await temporaryFolder(t)
  readPassphrase({ passphraseFile: undefined, dataFolder, keysExist: false })
  rmSync(join(dataFolder, 'passphrase'))
  t.throws(() => readPassphrase({ passphraseFile: undefined, dataFolder, keysExist: true }), { code: 'invalid-configuration', message: /bring it back/ })
  t.deepEqual(readdirSync(dataFolder), [])
})

test('a passphrase that could be guessed is refused', async t => {
  const dataFolder = await temporaryFolder(t)
  mkdirSync(dataFolder, { recursive: true })
  const passphraseFile = join(dataFolder, 'short')
  writeFileSync(passphraseFile, 'swordfish\n')
  t.throws(() => readPassphrase({ passphraseFile, dataFolder, keysExist: false }), { code: 'invalid-configuration' })
})
