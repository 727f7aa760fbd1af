/**
 * Signed requests (RFC 9421) in the one form that agents use: label `latchkey`, method, path and query always covered,
 * a body by its digest (RFC 9530), one algorithm. Whatever is sent in another form is no signature.
 */
import { createHash, sign, timingSafeEqual, verify, type KeyObject } from 'node:crypto'
import { CaError } from '../errors.ts'

/** `query` without its question mark; `body` undefined where there is none. */
export type SignedParts = { method: string, path: string, query: string, body?: Buffer | undefined }
/** @property keyId lower-case hex SHA-256 of the signer's certificate; @property nonce base64url, at least 128 bits */
export type SignatureParameters = { keyId: string, created: Date, nonce: string }
export type SignatureHeaders = { signature: string, 'signature-input': string, 'content-digest'?: string }

const tag = 'latchkey-agent'
const algorithm = 'ecdsa-p256-sha256'

/** Signs as RFC 9421 §3.1 says, with ECDSA on P-256 and SHA-256 (§3.3.4). */
export function signRequest(parts: SignedParts, parameters: SignatureParameters, privateKey: KeyObject): SignatureHeaders {
  const digest = parts.body === undefined ? undefined : contentDigest(parts.body)
  const input = signatureInput(digest !== undefined, parameters)
  const signature = sign('sha256', signatureBase(parts, digest, input), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  return {
    'signature-input': `latchkey=${input}`, signature: `latchkey=:${signature.toString('base64')}:`,
    ...digest !== undefined && { 'content-digest': digest },
  }
}

export type ReadSignature = SignatureParameters & { covered: Buffer, signature: Buffer }

/**
 * Reads the headers of a request that claims to be signed, and holds its body against its digest. The signature itself
 * is still to be checked, with the key that `keyId` names.
 *
 * @throws {CaError} signature-invalid
 */
export function readSignedRequest(parts: SignedParts, headers: Readonly<Partial<SignatureHeaders>>): ReadSignature {
  const input = /^latchkey=(\("@method" "@path" "@query"( "content-digest")?\);created=(\d{1,12});nonce="([\w-]{22,86})";keyid="([0-9a-f]{64})";alg="ecdsa-p256-sha256";tag="latchkey-agent")$/.exec(headers['signature-input'] ?? '')
  const value = /^latchkey=:([A-Za-z0-9+/]{86}==):$/.exec(headers.signature ?? '')
  if (input === null || value === null) throw invalid()
  const [, parameters, digested, created, nonce, keyId] = input
  const digest = digested === undefined ? undefined : headers['content-digest'] ?? ''
  // A body that the signature does not cover could be anybody's.
  if ((parts.body === undefined) !== (digest === undefined)) throw invalid()
  if (parts.body !== undefined && !same(digest!, contentDigest(parts.body))) throw invalid()
  return {
    keyId: keyId!, nonce: nonce!, created: new Date(Number(created) * 1000),
    covered: signatureBase(parts, digest, parameters!), signature: Buffer.from(value[1]!, 'base64'),
  }
}

/** @param publicKey on P-256. @throws {CaError} signature-invalid */
export function verifySignedRequest({ covered, signature }: ReadSignature, publicKey: KeyObject): void {
  if (!verify('sha256', covered, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)) throw invalid()
}

/** RFC 9530 §2, SHA-256. */
const contentDigest = (body: Buffer): string => `sha-256=:${createHash('sha256').update(body).digest('base64')}:`

const same = (a: string, b: string): boolean => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))

const signatureInput = (digested: boolean, { keyId, created, nonce }: SignatureParameters): string =>
  `("@method" "@path" "@query"${digested ? ' "content-digest"' : ''});created=${Math.floor(created.getTime() / 1000)};nonce="${nonce}";keyid="${keyId}";alg="${algorithm}";tag="${tag}"`

/** RFC 9421 §2.5. */
const signatureBase = ({ method, path, query }: SignedParts, digest: string | undefined, input: string): Buffer => Buffer.from([
  `"@method": ${method.toUpperCase()}`,
  `"@path": ${path}`,
  `"@query": ?${query}`,
  ...digest === undefined ? [] : [`"content-digest": ${digest}`],
  `"@signature-params": ${input}`,
].join('\n'))

const invalid = (): CaError => new CaError('signature-invalid', 'the request is not signed as an agent signs')
