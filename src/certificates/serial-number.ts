import { randomBytes } from 'node:crypto'

/**
 * A new certificate serial number: 16 random bytes (RFC 5280 §4.1.2.2 wants a positive INTEGER of at most 20).
 * The first byte is 0x40–0x7f, so it is positive, never starts with a zero byte, and every CRL entry has one size.
 */
export function newSerialNumber(): Buffer {
  const bytes = randomBytes(16)
  bytes[0] = 0x40 | (bytes[0]! & 0x3f)
  return bytes
}

/** The partition of a certificate's CRL: fixed at issuance, spread by the serial number's random last bytes. */
export const partitionOf = (serialNumber: Buffer, partitions: number): number => serialNumber.readUInt16BE(14) % partitions
