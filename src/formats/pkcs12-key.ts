import { hash } from 'node:crypto'

/** What a key is for (RFC 7292, Appendix B.3): each gives another one from the same password and salt. */
export const purposes = { key: 1, iv: 2, mac: 3 } as const

// The block of SHA-1 and of SHA-256, in octets.
const blockBytes = 64

/** A key from a password as PKCS #12 derives it (RFC 7292, Appendix B.2), which OpenSSL keeps to itself. */
export function deriveKey(password: string, salt: Buffer, iterations: number, purpose: number, digest: 'sha1' | 'sha256', keyBytes: number): Buffer {
  // A BMPString with a zero at its end.
  const text = Buffer.from(`${password}\0`, 'utf16le').swap16()
  const diversifier = Buffer.alloc(blockBytes, purpose)
  const input = Buffer.concat([wholeBlocksOf(salt), wholeBlocksOf(text)])
  const parts: Buffer[] = []
  for (let length = 0; length < keyBytes;) {
    let part = hash(digest, Buffer.concat([diversifier, input]), 'buffer')
    for (let round = 1; round < iterations; round++) part = hash(digest, part, 'buffer')
    parts.push(part)
    length += part.length
    const addend = Buffer.alloc(blockBytes, part)
    for (let start = 0; start < input.length; start += blockBytes) addPlusOne(input.subarray(start, start + blockBytes), addend)
  }
  return Buffer.concat(parts).subarray(0, keyBytes)
}

/** Repeated, and cut off where a block ends. */
const wholeBlocksOf = (bytes: Buffer): Buffer => Buffer.alloc(Math.ceil(bytes.length / blockBytes) * blockBytes, bytes)

/** As big-endian numbers; what is carried out of the first octet is lost. */
function addPlusOne(block: Buffer, addend: Buffer): void {
  let carry = 1
  for (let index = blockBytes - 1; index >= 0; index--) {
    carry += block[index]! + addend[index]!
    block[index] = carry & 0xff
    carry >>= 8
  }
}
