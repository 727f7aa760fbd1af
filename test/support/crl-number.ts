import { readCrlNumber } from '../../src/formats/extension-readers.ts'
import type { Crl } from '../../src/formats/crl.ts'

/** @throws when the list has none */
export function crlNumber(crl: Crl): bigint {
  const number = readCrlNumber(crl)
  if (number === undefined) throw new Error('the list has no cRLNumber')
  return number
}
