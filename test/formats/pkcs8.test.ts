import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import test from 'ava'
import { toPem } from '../../src/formats/pem.ts'
import { encryptPrivateKeyInfo } from '../../src/formats/pkcs8.ts'
import { peer } from '../support/peers.ts'
import { run, scratchFolder } from '../support/programs.ts'

const passphrase = 'a passphrase, kept by people: Grüße'

test('a private key that leaves costs whoever guesses its passphrase 600,000 rounds for each guess', async t => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
  const der = privateKey.export({ type: 'pkcs8', format: 'der' })
  const encrypted = await encryptPrivateKeyInfo(der, passphrase)
  t.true(createPrivateKey({ key: encrypted, format: 'der', type: 'pkcs8', passphrase }).equals(privateKey))
  t.throws(() => createPrivateKey({ key: encrypted, format: 'der', type: 'pkcs8', passphrase: 'another' }))
  t.notDeepEqual(await encryptPrivateKeyInfo(der, passphrase), encrypted)

  if (peer(t, 'openssl') === undefined) return
  const file = scratchFolder(t)
  const path = file('key.pem', toPem('ENCRYPTED PRIVATE KEY', encrypted))
  const { text } = await run('openssl', ['asn1parse', '-in', path])
  t.regex(text, /:PBES2[^]*:PBKDF2[^]*:0927C0[^]*:hmacWithSHA256[^]*:aes-256-cbc/)
  const opened = await run('openssl', ['pkcs8', '-in', path, '-passin', `file:${file('passphrase', passphrase)}`, '-topk8', '-nocrypt'])
  t.true(opened.text.includes(privateKey.export({ type: 'pkcs8', format: 'pem' }) as string))
})
