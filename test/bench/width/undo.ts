/** What has to be undone, the last first. */
export class Undo {
  readonly #steps: (() => Promise<void>)[] = []
  readonly #say: (line: string) => void
  #over = false

  constructor(say: (line: string) => void) {
    this.#say = say
  }

  /** @throws when all was undone already: nothing more is to be begun */
  push(step: () => Promise<void>): void {
    this.#steps.push(step)
    if (!this.#over) return
    void this.run()
    throw new Error('interrupted')
  }

  async run(): Promise<void> {
    this.#over = true
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      await step().catch((error: unknown) => { this.#say(String(error)) })
    }
  }
}
