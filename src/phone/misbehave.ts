/** What a phone does that is not to be believed. */
import { createHash } from 'node:crypto'
import type { PlistDictionary } from '../formats/plist.ts'
import type { PhoneDescription } from './ota.ts'

/**
 * - `replay`: sends the first message twice, then its CHALLENGE once more, signed by another phone;
 * - `tamper`: changes PRODUCT in the first message after signing it;
 * - `lie-in-second-post`: claims another model once the decision has been made;
 * - `stall`: sends half of the first message, and waits.
 */
export type Misbehaviour = 'replay' | 'tamper' | 'lie-in-second-post' | 'stall'

/** The signed message with another model in it, and nothing else changed. */
export function tampered(message: Buffer, { product }: PhoneDescription): Buffer {
  const at = message.indexOf(`<string>${product}</string>`)
  // Only a content that is cut into chunks right here would hide it.
  if (at < 0) throw new TypeError('PRODUCT does not stand in the message')
  const changed = Buffer.from(message)
  const lastDigit = at + '<string>'.length + product.length - 1
  changed[lastDigit] = product.endsWith('1') ? 0x32 : 0x31
  return changed
}

export const withLie = (attributes: PlistDictionary): PlistDictionary =>
  ({ ...attributes, PRODUCT: attributes['PRODUCT'] === 'iPhone17,3' ? 'iPhone17,1' : 'iPhone17,3' })

/** Another phone of the same model. */
export const otherPhone = (phone: PhoneDescription): PhoneDescription => {
  const serial = phone.serial.split('').reverse().join('')
  const different = serial === phone.serial ? `${serial}X` : serial
  return { ...phone, serial: different, udid: udidFor(phone.product, different) }
}

/** 40 hexadecimal digits, or the shorter form that phones have had since the A12. */
export function udidFor(product: string, serial: string): string {
  const digits = createHash('sha1').update(serial).digest('hex')
  const major = Number(/^iPhone(\d+),/.exec(product)?.[1] ?? 0)
  return major >= 11 ? `00008110-${digits.slice(0, 16).toUpperCase()}` : digits
}

/** The first half of the message; the rest never comes. */
export function stallingBody(message: Buffer): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) { controller.enqueue(new Uint8Array(message.subarray(0, message.length >> 1))) },
  })
}
