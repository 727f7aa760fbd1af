import { createPrivateKey, X509Certificate } from 'node:crypto'
import test from 'ava'
import { buildPkcs12 } from '../../src/formats/pkcs12.ts'
import type { Pkcs12Fields, Pkcs12Scheme } from '../../src/formats/pkcs12.ts'
import { peer } from '../support/peers.ts'
import { run, scratchFolder } from '../support/programs.ts'
import { newIdentity } from '../support/signed-data.ts'
import type { KeyKind } from '../support/signers.ts'

const password = 'Correct-Horse-7'

async function pkcs12(scheme: Pkcs12Scheme, kind: KeyKind = 'rsa2048', change: Partial<Pkcs12Fields> = {}) {
  const { signer, certificate, authority } = await newIdentity('phone', kind)
  const privateKeyPkcs8 = signer.privateKey.export({ type: 'pkcs8', format: 'der' })
  const file = await buildPkcs12({ privateKeyPkcs8, certificate, chain: [authority.certificate], password, scheme, friendlyName: 'Ada’s iPhone', ...change })
  return { file, signer, certificate, authority }
}

const schemes: [Pkcs12Scheme, string[], string[]][] = [
  ['3des-sha1', ['-legacy'], [
    'MAC: sha1, Iteration 2048', 'MAC length: 20, salt length: 8',
    'PKCS7 Encrypted data: pbeWithSHA1And3-KeyTripleDES-CBC, Iteration 2048', 'Shrouded Keybag: pbeWithSHA1And3-KeyTripleDES-CBC, Iteration 2048',
  ]],
  ['aes256-sha256', [], [
    'MAC: sha256, Iteration 2048', 'MAC length: 32, salt length: 8',
    'PKCS7 Encrypted data: PBES2, PBKDF2, AES-256-CBC, Iteration 2048, PRF hmacWithSHA256',
    'Shrouded Keybag: PBES2, PBKDF2, AES-256-CBC, Iteration 2048, PRF hmacWithSHA256',
  ]],
]

for (const [scheme, options, algorithms] of schemes) {
  for (const kind of ['rsa2048', 'P-256', 'P-384'] as const) {
    test(`openssl opens a PKCS #12 with an ${kind} key in ${scheme}, and finds those algorithms and no others`, async t => {
      if (!peer(t, 'openssl')) return
      const { file, signer, certificate, authority } = await pkcs12(scheme, kind)
      const path = scratchFolder(t)('identity.p12', file)
      const { status, text, stdout } = await run('openssl', ['pkcs12', '-info', '-in', path, '-passin', `pass:${password}`, '-nodes', ...options])
      t.is(status, 0, text)
      t.deepEqual(text.split('\n').filter(line => /^(MAC|PKCS7|Shrouded|Key ?bag)/i.test(line) && line !== 'PKCS7 Data'), algorithms)
      const pem = stdout.toString()
      t.true(createPrivateKey(pem.slice(pem.indexOf('-----BEGIN PRIVATE KEY'))).equals(signer.privateKey))
      const certificates = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
      t.deepEqual(certificates.map(one => new X509Certificate(one).raw), [certificate, authority.certificate])
    })
  }

  test(`key and certificate in ${scheme} are tied by localKeyId and named alike`, async t => {
    if (!peer(t, 'openssl')) return
    const { file, certificate } = await pkcs12(scheme)
    const path = scratchFolder(t)('identity.p12', file)
    const { text } = await run('openssl', ['pkcs12', '-in', path, '-passin', `pass:${password}`, '-nodes', ...options])
    const identifier = new X509Certificate(certificate).fingerprint.replaceAll(':', ' ')
    t.is(text.match(new RegExp(`localKeyID: ${identifier}`, 'g'))?.length, 2)
    t.is(text.match(/friendlyName: /g)?.length, 2)
  })

  test(`a wrong password does not open a PKCS #12 in ${scheme}`, async t => {
    if (!peer(t, 'openssl')) return
    const { file } = await pkcs12(scheme)
    const { status, text } = await run('openssl', ['pkcs12', '-in', scratchFolder(t)('identity.p12', file), '-passin', 'pass:wrong', '-nodes', ...options])
    t.not(status, 0)
    t.regex(text, /Mac verify error: invalid password/)
  })

  test(`nothing of a PKCS #12 in ${scheme} can be read without the password`, async t => {
    const { file, certificate, signer } = await pkcs12(scheme)
    t.false(file.includes(certificate.subarray(0, 64)))
    t.false(file.includes(signer.subjectPublicKeyInfo.subarray(-64)))
  })
}

test('the same identity is never encrypted to the same bytes', async t => {
  const { signer, certificate, authority } = await newIdentity('phone')
  const fields: Pkcs12Fields = {
    privateKeyPkcs8: signer.privateKey.export({ type: 'pkcs8', format: 'der' }), certificate, chain: [authority.certificate], password,
    scheme: 'aes256-sha256', friendlyName: 'phone',
  }
  t.notDeepEqual(await buildPkcs12(fields), await buildPkcs12(fields))
})

test('a password that readers would take for different bytes is not used', async t => {
  for (const bad of ['', 'pässword', 'tab\t']) await t.throwsAsync(pkcs12('3des-sha1', 'rsa2048', { password: bad }), { instanceOf: TypeError })
})

test('asn1crypto reads the algorithms of both forms', async t => {
  const python = peer(t, 'python3:asn1crypto')
  if (python === undefined) return
  const script = `
import sys, json
from asn1crypto import pkcs12
pfx = pkcs12.Pfx.load(sys.stdin.buffer.read(), strict=True)
mac = pfx['mac_data']['mac']['digest_algorithm']['algorithm'].native
safe = pfx.authenticated_safe
kinds = [info['content_type'].native for info in safe]
algorithm = safe[0]['content']['encrypted_content_info']['content_encryption_algorithm']
pbes2 = algorithm['algorithm'].native == 'pbes2'
print(json.dumps([mac, kinds, algorithm.encryption_cipher, algorithm.key_length, algorithm.kdf_hmac if pbes2 else None]))`
  const read = async (scheme: Pkcs12Scheme) => {
    const { status, stdout, text } = await run(python, ['-c', script], (await pkcs12(scheme)).file)
    t.is(status, 0, text)
    return JSON.parse(stdout.toString()) as unknown
  }
  t.deepEqual(await read('3des-sha1'), ['sha1', ['encrypted_data', 'data'], 'tripledes', 24, null])
  t.deepEqual(await read('aes256-sha256'), ['sha256', ['encrypted_data', 'data'], 'aes', 32, 'sha256'])
})
