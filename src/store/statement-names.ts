/**
 * Names for statements that are asked again and again, so that a server plans each once for a connection: planning takes
 * longer than most of them do. Only on a connection to the server itself; a pooler in transaction mode has another one
 * for the next transaction.
 */
import { createHash } from 'node:crypto'

// What is asked less often is not worth the server's memory, which has every plan once for each connection.
const usesBefore = 3
const mostNames = 400
const mostCounted = 2_000

/** A page of a list, and what is asked with or without some value, are planned with the values: how far to go depends on them. */
export const isPlannedOnce = (text: string): boolean => !/\blimit\b|\bfetch first\b|\bis null or\b/i.test(text)

/** The same text has the same name everywhere and no other has it: should a pooler hide well, it cannot mix two instances' statements. At most 63 characters count. */
const nameFor = (text: string): string => `latchkey_${createHash('sha256').update(text).digest('base64url')}`

export class StatementNames {
  readonly #names = new Map<string, string>()
  readonly #uses = new Map<string, number>()

  /** @returns undefined for a statement without a name */
  of(text: string): string | undefined {
    const known = this.#names.get(text)
    if (known !== undefined || this.#names.size >= mostNames || !isPlannedOnce(text)) return known
    const uses = (this.#uses.get(text) ?? 0) + 1
    if (this.#uses.size >= mostCounted) this.#uses.clear()
    this.#uses.set(text, uses)
    if (uses <= usesBefore) return undefined
    const name = nameFor(text)
    this.#names.set(text, name)
    return name
  }
}

/** What a server says of a named statement only: tables have changed since it was planned, or it went to another server. */
export const isNameRefused = (sqlState: string): boolean => ['0A000', '26000', '42P05'].includes(sqlState)
