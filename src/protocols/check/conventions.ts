/**
 * What a front end says about its client, by convention: one header, one format, one small pure function each.
 * A value is hostile bytes. Nothing is parsed here beyond the way to the DER: what counts is whether its digest is
 * that of a certificate we issued.
 */
import { fromPem } from '../../formats/pem.ts'
import type { HeaderConvention } from './kinds.ts'

/** A certificate's DER, or only its serial number: 16 octets. */
export type Presented = { der: Buffer } | { serialNumber: Buffer }

type Format = { header: string, read: (value: string) => Presented | undefined }

/** `read` answers undefined for a value that is not exactly in its format. */
export const conventions: Readonly<Record<HeaderConvention, Format>> = {
  nginx: { header: 'x-ssl-client-escaped-cert', read: readEscapedPem },
  'base64-der': { header: 'x-ssl-client-cert', read: readBase64 },
  'spaced-pem': { header: 'x-ssl-client-cert', read: readPem },
  rfc9440: { header: 'client-cert', read: readByteSequence },
  traefik: { header: 'x-forwarded-tls-client-cert', read: readTraefik },
  xfcc: { header: 'x-forwarded-client-cert', read: readXfcc },
  serial: { header: 'x-ssl-client-serial', read: readSerialNumber },
}

/** Headers that say who a client is, in any convention in use. All but a front end's own one are ignored. */
export const identityHeaders: readonly string[] = [...new Set([
  ...Object.values(conventions).map(({ header }) => header),
  'client-cert-chain', 'x-forwarded-tls-client-cert-info', 'x-client-cert', 'ssl-client-cert', 'x-ssl-client-verify',
  'x-ssl-client-s-dn', 'x-ssl-client-i-dn', 'x-ssl-client-dn', 'x-ssl-client-fingerprint', 'x-ssl-client-sha1',
  'x-client-certificate', 'x-ssl-cert', 'x-arr-clientcert',
])]

/** More than any certificate of ours; Node caps all headers of a request together at 16 KiB. */
const maxValueCharacters = 16_384

/** @returns undefined for a value that is not exactly in the convention's format */
export function readPresented(convention: HeaderConvention, value: string): Presented | undefined {
  return value.length > maxValueCharacters ? undefined : conventions[convention].read(value)
}

/** nginx `$ssl_client_escaped_cert`: percent-encoded PEM. */
function readEscapedPem(value: string): Presented | undefined {
  const text = percentDecoded(value)
  return text === undefined ? undefined : readPem(text)
}

/** One certificate and nothing else; Apache's `%{SSL_CLIENT_CERT}s` has spaces where lines end. */
function readPem(text: string): Presented | undefined {
  if (!/^-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*$/.test(text)) return undefined
  try {
    const [der] = fromPem(text, 'CERTIFICATE')
    return der === undefined ? undefined : { der }
  } catch {
    return undefined
  }
}

/** HAProxy `%[ssl_c_der,base64]`, Caddy `{http.request.tls.client.certificate_der_base64}`. */
function readBase64(value: string): Presented | undefined {
  const der = Buffer.from(value, 'base64')
  return der.length > 0 && der.toString('base64') === value ? { der } : undefined
}

/** RFC 9440 §2.2: a Byte Sequence (RFC 8941 §3.3.5) without parameters. */
function readByteSequence(value: string): Presented | undefined {
  const base64 = /^:([A-Za-z0-9+/]+={0,2}):$/.exec(value)?.[1]
  return base64 === undefined ? undefined : readBase64(base64)
}

/** PEM without its first line, last line and newlines; the chain with commas between, leaf first; escaped by older versions. */
function readTraefik(value: string): Presented | undefined {
  const [leaf] = (percentDecoded(value) ?? '').split(',')
  return readBase64(leaf!)
}

/**
 * Envoy: `Key=value;Key="quoted value"`. Exactly one element, for where there are several somebody else wrote the
 * others, and exactly one Cert in it.
 */
function readXfcc(value: string): Presented | undefined {
  const pair = /([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^",;]*))(;|$)/gy
  const certs: string[] = []
  while (pair.lastIndex < value.length) {
    const match = pair.exec(value)
    if (match === null) return undefined
    if (match[1]!.toLowerCase() === 'cert') certs.push(match[2] ?? match[3]!)
  }
  return certs.length === 1 ? readEscapedPem(certs[0]!) : undefined
}

/** Hexadecimal of either case; nginx and HAProxy write it plainly, others with colons. Ours have 16 octets. */
function readSerialNumber(value: string): Presented | undefined {
  const digits = value.replaceAll(':', '')
  return /^[0-9a-fA-F]{32}$/.test(digits) ? { serialNumber: Buffer.from(digits, 'hex') } : undefined
}

function percentDecoded(value: string): string | undefined {
  try {
    return decodeURIComponent(value)
  } catch {
    return undefined
  }
}
