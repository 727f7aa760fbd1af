/** Whole HTTP requests to `/check` and to OCSP, made before anything is measured. */
import { createHash, randomBytes } from 'node:crypto'
import type { Authority } from '../../src/certificates/authority.ts'
import { explicit, integer, nullValue, octetString, oid, sequence } from '../../src/formats/der.ts'
import { serializeExtension } from '../../src/formats/extensions.ts'
import { oids } from '../../src/formats/oids.ts'
import { toPem } from '../../src/formats/pem.ts'
import { publicKeyBits } from '../../src/formats/public-key.ts'
import type { Issued } from '../support/issued.ts'
import { derOf, serialNumberOf } from './check-store.ts'

/** As nginx asks for a phone that synchronizes its mail: `proxy_pass` of the example in docs/nginx. */
export function checkRequest(template: Issued, n: number, secret: string, frontEnd = 'bench'): Buffer {
  return Buffer.from([
    `GET /check/${frontEnd} HTTP/1.1`, 'Host: latchkey.example.com', `Authorization: Bearer ${secret}`,
    `X-SSL-Client-Escaped-Cert: ${encodeURIComponent(toPem('CERTIFICATE', derOf(template, n)))}`, 'X-Original-URI: /owa/', 'User-Agent: bench', '', '',
  ].join('\r\n'))
}

/** @property nonce  asked with one, so that no answer can be given twice */
export function ocspRequest(issuer: Pick<Authority, 'name' | 'certificate'>, n: number, nonce: boolean): Buffer {
  const { subject, subjectPublicKeyInfo } = issuer.certificate
  const digest = (bytes: Buffer): Buffer => octetString(createHash('sha1').update(bytes).digest())
  const certId = sequence(sequence(oid(oids.sha1), nullValue), digest(subject.raw), digest(publicKeyBits(subjectPublicKeyInfo)), integer(serialNumberOf(n)))
  const extension = (): Buffer => explicit(2, sequence(serializeExtension({ oid: oids.ocspNonce, critical: false, value: octetString(randomBytes(32)) })))
  const body = sequence(sequence(sequence(sequence(certId)), ...nonce ? [extension()] : []))
  const head = `POST /ocsp/${issuer.name} HTTP/1.1\r\nHost: latchkey.example.com\r\nContent-Type: application/ocsp-request\r\nContent-Length: ${body.length}\r\n\r\n`
  return Buffer.concat([Buffer.from(head), body])
}
