/** Which models a text of an inventory means: a product type, a model number, or the name that Apple sells it by. */
import { parseProductType } from '../formats/product-type.ts'
import type { Catalogue } from './catalogue.ts'

/** The same model with one radio or another is sold by one name. */
const withoutRadio = (name: string): string => name.replace(/ Wi-Fi.*$/, '').replace(/ \((GSM|CDMA|China mainland)[^)]*\)$/, '')
/** Lists of purchases add what it can hold, and its colour. */
const withoutCapacity = (name: string): string => name.replace(/[ ,]+\d+ ?(GB|TB)\b.*$/i, '')
const plain = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '').replaceAll(/(?<=\d(st|nd|rd|th))gen$/g, 'generation')

/** @returns a way to find the product types that a text may mean; none where nobody knows it */
export function modelNames(catalogue: Catalogue): { find(text: string): string[] } {
  const known = new Map<string, Set<string>>()
  const add = (name: string, productType: string): void => {
    const set = known.get(plain(name)) ?? new Set()
    known.set(plain(name), set.add(productType))
  }
  for (const { identifier, name, modelNumbers } of catalogue.models.values()) {
    for (const each of [identifier, name, withoutRadio(name), ...modelNumbers]) add(each, identifier)
  }
  return {
    find(text) {
      const found = known.get(plain(text)) ?? known.get(plain(withoutCapacity(text)))
      if (found !== undefined) return [...found]
      // Newer than the catalogue, and still its exact name.
      return parseProductType(text) === undefined ? [] : [text]
    },
  }
}
