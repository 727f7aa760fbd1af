/** Apple's product type, the hardware identifier: `iPhone14,5`. Never a marketing name. */
export type ProductType = { readonly family: string, readonly major: number, readonly minor: number }

const shape = /^([A-Za-z]{1,24})([1-9]\d{0,2}),([1-9]\d{0,2})$/

/**
 * Takes a product type apart.
 *
 * Strict, because the text is compared as it stands elsewhere: `iPhone02,1`, `iPhone2,1 ` and
 * `iphone2,1x` are other texts for a phone that says `iPhone2,1`, and so are not product types.
 *
 * @returns undefined when the text is not a product type; whether it exists is the catalogue's to say
 */
export function parseProductType(text: string): ProductType | undefined {
  const match = shape.exec(text)
  if (match === null) return undefined
  return { family: match[1]!, major: Number(match[2]), minor: Number(match[3]) }
}

/** Order for people: by family, then by both numbers, so that `iPhone9,1` stands before `iPhone10,1`. */
export function compareProductTypes(a: string, b: string): number {
  const left = parseProductType(a)
  const right = parseProductType(b)
  if (left === undefined || right === undefined) return compareText(a, b)
  return compareText(left.family, right.family) || left.major - right.major || left.minor - right.minor
}

const compareText = (a: string, b: string): number => a < b ? -1 : a > b ? 1 : 0
