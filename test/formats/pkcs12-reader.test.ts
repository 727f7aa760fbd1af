/** PKCS #12 is opened as iOS opens it: what it was written with, and by whom, makes no difference where the algorithms fit. */
import test from 'ava'
import fc from 'fast-check'
import { openPkcs12 } from '../../src/formats/pkcs12-reader.ts'
import { buildPkcs12 } from '../../src/formats/pkcs12.ts'
import type { Pkcs12Scheme } from '../../src/formats/pkcs12.ts'
import { toPem } from '../../src/formats/pem.ts'
import { peer } from '../support/peers.ts'
import { run, scratchFolder } from '../support/programs.ts'
import { refusalOf } from '../support/refusals.ts'
import { newIdentity } from '../support/signed-data.ts'

const identities = [await newIdentity('rsa', 'rsa2048'), await newIdentity('ec', 'P-256')]
const both: Pkcs12Scheme[] = ['3des-sha1', 'aes256-sha256']

const build = ({ signer, certificate, authority }: typeof identities[number], scheme: Pkcs12Scheme) => buildPkcs12({
  privateKeyPkcs8: signer.privateKey.export({ type: 'pkcs8', format: 'der' }), certificate, chain: [authority.certificate],
  password: 'a secret', scheme, friendlyName: 'phone',
})

for (const scheme of both) {
  test(`what we write in ${scheme} comes back byte for byte`, async t => {
    for (const identity of identities) {
      const opened = openPkcs12(await build(identity, scheme), 'a secret', [scheme])
      t.deepEqual(opened.privateKeyPkcs8, identity.signer.privateKey.export({ type: 'pkcs8', format: 'der' }))
      t.deepEqual(opened.certificate, identity.certificate)
      t.deepEqual(opened.chain, [identity.authority.certificate])
    }
  })
}

test('a wrong password, and algorithms that the reader does not know, are refused alike', async t => {
  for (const scheme of both) {
    const pfx = await build(identities[0]!, scheme)
    t.is(refusalOf(() => openPkcs12(pfx, 'another', both)), 'malformed-pkcs12')
    t.is(refusalOf(() => openPkcs12(pfx, 'a secret', both.filter(other => other !== scheme))), 'malformed-pkcs12')
  }
})

test('a damaged PKCS #12 is refused with its code', async t => {
  const pfx = await build(identities[1]!, '3des-sha1')
  fc.assert(fc.property(fc.nat(pfx.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
    const damaged = Buffer.from(pfx)
    damaged[at]! ^= change
    const refusal = refusalOf(() => openPkcs12(damaged, 'a secret', both))
    // The MAC covers all that is installed; a few octets of the framing mean nothing to a reader.
    return refusal === 'malformed-pkcs12' || refusal === undefined
  }), { numRuns: 60 })
  for (let length = 0; length < pfx.length; length += 7) t.is(refusalOf(() => openPkcs12(pfx.subarray(0, length), 'a secret', both)), 'malformed-pkcs12')
})

test('what openssl writes for old and for new systems is opened', async t => {
  const openssl = peer(t, 'openssl')
  if (openssl === undefined) return
  const { signer, certificate, authority } = identities[0]!
  const file = scratchFolder(t)
  const forms: [Pkcs12Scheme, string[]][] = [
    ['3des-sha1', ['-certpbe', 'PBE-SHA1-3DES', '-keypbe', 'PBE-SHA1-3DES', '-macalg', 'sha1']],
    ['aes256-sha256', ['-certpbe', 'AES-256-CBC', '-keypbe', 'AES-256-CBC', '-macalg', 'sha256']],
  ]
  for (const [scheme, options] of forms) {
    const { status, stdout, text } = await run(openssl, [
      'pkcs12', '-export', '-in', file('certificate.pem', toPem('CERTIFICATE', certificate)), '-inkey', file('key.pem', signer.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string),
      '-certfile', file('ca.pem', toPem('CERTIFICATE', authority.certificate)), '-passout', 'pass:a secret', ...options,
    ])
    t.is(status, 0, text)
    const opened = openPkcs12(stdout, 'a secret', [scheme])
    t.deepEqual(opened.certificate, certificate)
    t.deepEqual(opened.chain, [authority.certificate])
    t.deepEqual(opened.privateKeyPkcs8, signer.privateKey.export({ type: 'pkcs8', format: 'der' }))
  }
})
