import { createHash, generateKeyPairSync, verify } from 'node:crypto'
import test from 'ava'
import { readSignedRequest, signRequest, verifySignedRequest, type SignatureHeaders, type SignedParts } from '../../src/formats/http-signature.ts'

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const parameters = { keyId: 'ab'.repeat(32), created: new Date('2026-03-01T09:00:00.700Z'), nonce: 'A'.repeat(22) }
const get: SignedParts = { method: 'GET', path: '/feed', query: '' }
const post: SignedParts = { method: 'POST', path: '/feed/receipts', query: 'a=1', body: Buffer.from('{"change":7}') }

const isSigned = (parts: SignedParts, headers: Partial<SignatureHeaders>): boolean => {
  try {
    verifySignedRequest(readSignedRequest(parts, headers), publicKey)
    return true
  } catch (error) {
    if ((error as { code?: string }).code !== 'signature-invalid') throw error
    return false
  }
}

test('the signature base is the one of RFC 9421, written out by hand', t => {
  const headers = signRequest(post, parameters, privateKey)
  const digest = `sha-256=:${createHash('sha256').update('{"change":7}').digest('base64')}:`
  t.is(headers['content-digest'], digest)
  t.is(headers['signature-input'], `latchkey=("@method" "@path" "@query" "content-digest");created=1772355600;nonce="${'A'.repeat(22)}";keyid="${'ab'.repeat(32)}";alg="ecdsa-p256-sha256";tag="latchkey-agent"`)
  const base = `"@method": POST\n"@path": /feed/receipts\n"@query": ?a=1\n"content-digest": ${digest}\n"@signature-params": ${headers['signature-input'].slice('latchkey='.length)}`
  const signature = Buffer.from(headers.signature.slice('latchkey=:'.length, -1), 'base64')
  t.true(verify('sha256', Buffer.from(base), { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature))
})

test('what was signed is read back, in whole seconds', t => {
  for (const parts of [get, post]) {
    const read = readSignedRequest(parts, signRequest(parts, parameters, privateKey))
    t.notThrows(() => { verifySignedRequest(read, publicKey) })
    t.is(read.keyId, parameters.keyId)
    t.is(read.nonce, parameters.nonce)
    t.deepEqual(read.created, new Date('2026-03-01T09:00:00Z'))
  }
})

test('a signed request changed in any part is not signed any more', t => {
  const headers = signRequest(post, parameters, privateKey)
  t.true(isSigned(post, headers))
  for (const other of [
    { ...post, method: 'PUT' }, { ...post, path: '/feed' }, { ...post, query: '' }, { ...post, body: Buffer.from('{"change":8}') }, { ...post, body: undefined }, { ...get },
  ]) t.false(isSigned(other, headers), JSON.stringify(other))
})

test('a request signed without its body does not take one on', t => {
  const headers = signRequest({ ...post, body: undefined }, parameters, privateKey)
  t.false(isSigned(post, headers))
  t.false(isSigned(post, { ...headers, 'content-digest': signRequest(post, parameters, privateKey)['content-digest']! }))
})

test('signature headers in any other form are no signature', t => {
  const headers = signRequest(get, parameters, privateKey)
  const input = headers['signature-input']
  for (const changed of [
    {}, { ...headers, signature: '' }, { ...headers, signature: `${headers.signature}, other=:AAAA:` }, { ...headers, 'signature-input': `${input}, ${input}` },
    { ...headers, 'signature-input': input.replace('"@query"', '') }, { ...headers, 'signature-input': input.replace('latchkey-agent', 'other') },
    { ...headers, 'signature-input': input.replace('ecdsa-p256-sha256', 'hmac-sha256') }, { ...headers, 'signature-input': input.replace('1772355600', '1772355601') },
    { ...headers, 'signature-input': input.replace('abab', 'ABAB') }, { ...headers, 'signature-input': `${input};expires=1` },
  ]) t.false(isSigned(get, changed), JSON.stringify(changed))
})

test('a signature of another key is refused', t => {
  t.false(isSigned(get, signRequest(get, parameters, generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)))
})
