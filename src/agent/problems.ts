/** What is wrong at this moment, by a code that the service and its console know. One detail each: the newest. */

export type ProblemCode =
  | 'list-refused' | 'list-missing' | 'trust-refused' | 'feed-malformed' | 'feed-behind' | 'service-unreachable'
  | 'front-end-unreachable' | 'disk' | 'stale' | 'issuing-authority-revoked' | 'clock' | 'bundle' | 'cut' | 'canary' | 'renewal'
  /** The service's door for agents cannot be used: by another way instead, which is said. */
  | 'door'

export type Problem = { readonly code: ProblemCode, readonly detail: string }

export class Problems {
  readonly #current = new Map<ProblemCode, string>()
  readonly #tell: (problem: Problem, over: boolean) => void

  /** @param tell  called when one begins or is over, not while it lasts */
  constructor(tell: (problem: Problem, over: boolean) => void) {
    this.#tell = tell
  }

  set(code: ProblemCode, detail: string): void {
    const isNew = !this.#current.has(code)
    this.#current.set(code, detail)
    if (isNew) this.#tell({ code, detail }, false)
  }

  clear(code: ProblemCode): void {
    const detail = this.#current.get(code)
    if (detail === undefined) return
    this.#current.delete(code)
    this.#tell({ code, detail }, true)
  }

  get all(): Problem[] {
    return [...this.#current].map(([code, detail]) => ({ code, detail }))
  }
}

export const messageOf = (error: unknown): string => error instanceof Error ? error.message : String(error)
