import { CaError } from '../errors.ts'

const maxPemCharacters = 1024 * 1024

/** PEM in the strict form of RFC 7468 §3: 64 characters to a line. */
export function toPem(label: string, der: Uint8Array): string {
  const base64 = Buffer.from(der.buffer, der.byteOffset, der.byteLength).toString('base64')
  return `-----BEGIN ${label}-----\n${base64.replace(/.{1,64}/g, '$&\n')}-----END ${label}-----\n`
}

/**
 * The contents of every block with that label, in order. Text between blocks and blocks with other labels
 * are passed over (RFC 7468 §2); base64 must be whole and canonical.
 *
 * @throws {CaError} malformed-request when a block is cut off or damaged, or the text has more than 1 Mi characters
 */
export function fromPem(text: string, label: string): Buffer[] {
  if (text.length > maxPemCharacters) throw new CaError('malformed-request', 'PEM text is too long')
  const begin = `-----BEGIN ${label}-----`
  const end = `-----END ${label}-----`
  const blocks: Buffer[] = []
  for (let start = text.indexOf(begin); start >= 0; start = text.indexOf(begin, start)) {
    const stop = text.indexOf(end, start)
    if (stop < 0) throw new CaError('malformed-request', `PEM block ${label} has no end`)
    blocks.push(decodeBase64(text.slice(start + begin.length, stop)))
    start = stop + end.length
  }
  return blocks
}

function decodeBase64(text: string): Buffer {
  const base64 = text.replace(/[\t\n\r ]/g, '')
  const bytes = Buffer.from(base64, 'base64')
  // Buffer passes over what it does not know; only the canonical text comes back unchanged.
  if (bytes.length === 0 || bytes.toString('base64') !== base64) throw new CaError('malformed-request', 'PEM block is not base64')
  return bytes
}
