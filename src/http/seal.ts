import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/**
 * A text that only this service can have made, for one purpose and until an instant. A browser carries it from
 * one step to the next, so nothing is stored for those who never come back.
 *
 * Layout: 16 random bytes, the end in seconds (6 bytes), HMAC-SHA-256 of both and of the purpose; base64url.
 */
export function seal(secret: Buffer, purpose: string, expiresAt: Date): string {
  const head = Buffer.concat([randomBytes(16), Buffer.alloc(6)])
  head.writeUIntBE(Math.floor(expiresAt.getTime() / 1000), 16, 6)
  return Buffer.concat([head, mac(secret, purpose, head)]).toString('base64url')
}

/** @returns when it ends; undefined when it is not ours, for another purpose, or over */
export function openSeal(secret: Buffer, purpose: string, sealed: string, now: Date): Date | undefined {
  const bytes = Buffer.from(sealed, 'base64url')
  if (bytes.length !== 54 || bytes.toString('base64url') !== sealed) return undefined
  const head = bytes.subarray(0, 22)
  if (!timingSafeEqual(mac(secret, purpose, head), bytes.subarray(22))) return undefined
  const expiresAt = new Date(head.readUIntBE(16, 6) * 1000)
  return expiresAt > now ? expiresAt : undefined
}

const mac = (secret: Buffer, purpose: string, head: Buffer): Buffer => createHmac('sha256', secret).update(head).update(purpose).digest()
