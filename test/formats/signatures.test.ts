import test from 'ava'
import { nullValue, oid, parseDer, sequence } from '../../src/formats/der.ts'
import { oids } from '../../src/formats/oids.ts'
import { algorithmIdentifier, defaultAlgorithm, parseSignatureAlgorithm, signatureAlgorithms, verifySignature } from '../../src/formats/signatures.ts'
import type { SignatureAlgorithm } from '../../src/formats/signatures.ts'
import { newSigner } from '../support/signers.ts'

const algorithms = Object.keys(signatureAlgorithms) as SignatureAlgorithm[]

test('every algorithm reads back from its identifier', t => {
  for (const algorithm of algorithms) t.is(parseSignatureAlgorithm(parseDer(algorithmIdentifier(algorithm))), algorithm)
})

test('RSA parameters may be missing, ECDSA has none, and other algorithms are refused', t => {
  const parse = (...parts: Buffer[]) => parseSignatureAlgorithm(parseDer(sequence(...parts)))
  t.is(parse(oid(oids.sha256WithRSAEncryption)), 'sha256WithRSAEncryption')
  t.throws(() => parse(oid(oids['ecdsa-with-SHA256']), nullValue), { code: 'malformed-der' })
  t.throws(() => parse(oid(oids.sha256WithRSAEncryption), Buffer.from([5, 1, 0])), { code: 'malformed-der' })
  t.throws(() => parse(oid(oids.sha256WithRSAEncryption), nullValue, nullValue), { code: 'malformed-der' })
  for (const other of ['1.2.840.113549.1.1.4', '1.2.840.113549.1.1.10', '1.3.101.112', oids['ecdsa-with-SHA1']]) {
    t.throws(() => parse(oid(other)), { code: 'unsupported-algorithm' })
  }
})

test('a signature is good under its own algorithm, key and data only', async t => {
  const data = Buffer.from('data')
  const keys = [newSigner('P-256'), newSigner('P-384'), newSigner('P-521'), newSigner('rsa1024'), newSigner('rsa2048')]
  for (const signer of keys) {
    const signature = await signer.sign(data)
    for (const algorithm of algorithms) {
      for (const key of keys) {
        t.is(verifySignature(algorithm, key.publicKey, data, signature), algorithm === signer.algorithm && key === signer)
      }
    }
    t.false(verifySignature(signer.algorithm, signer.publicKey, Buffer.from('Data'), signature))
    t.false(verifySignature(signer.algorithm, signer.publicKey, data, signature.subarray(1)))
    t.false(verifySignature(signer.algorithm, signer.publicKey, data, Buffer.alloc(0)))
  }
})

test('the digest follows the strength of the key', t => {
  t.deepEqual((['P-256', 'P-384', 'P-521', 'rsa2048'] as const).map(kind => defaultAlgorithm(newSigner(kind).publicKey)),
    ['ecdsa-with-SHA256', 'ecdsa-with-SHA384', 'ecdsa-with-SHA512', 'sha256WithRSAEncryption'])
})
