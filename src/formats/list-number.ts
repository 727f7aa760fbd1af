/**
 * What the cRLNumber of our lists says (RFC 5280 §5.2.3 allows 20 octets): above, the number of the publication; in the
 * lowest 64 bits, up to which change of revocation the list is complete. Both only grow, and so does the whole. Who heard
 * of a revocation before it was listed knows by it, signed, which list is the first to answer for it.
 *
 * An extension of our own could say the same, but its identifier could only be of the arc 2.25.<UUID>, and no Go program
 * reads a list that has one.
 */
export type ListNumber = { readonly crlNumber: bigint, readonly change: bigint }

const changeBits = 64n

export const toCrlNumber = ({ crlNumber, change }: ListNumber): bigint => crlNumber << changeBits | change

export const fromCrlNumber = (number: bigint): ListNumber => ({ crlNumber: number >> changeBits, change: BigInt.asUintN(Number(changeBits), number) })
