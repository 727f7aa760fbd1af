/** Values by name; of more than `most` the one that was asked for longest ago is forgotten. */
export class Remembered<Value> {
  readonly #most: number
  /** Of two halves the older one goes as a whole, so that being asked for costs no more than a look. */
  #newer = new Map<string, Value>()
  #older = new Map<string, Value>()

  constructor(most: number) {
    this.#most = most
  }

  get(name: string): Value | undefined {
    const value = this.#newer.get(name)
    if (value !== undefined) return value
    const older = this.#older.get(name)
    if (older !== undefined) this.set(name, older)
    return older
  }

  set(name: string, value: Value): void {
    this.#older.delete(name)
    this.#newer.set(name, value)
    if (this.#newer.size * 2 < this.#most) return
    this.#older = this.#newer
    this.#newer = new Map()
  }

  delete(name: string): void {
    this.#newer.delete(name)
    this.#older.delete(name)
  }

  clear(): void {
    this.#newer.clear()
    this.#older.clear()
  }

  get size(): number {
    return this.#newer.size + this.#older.size
  }
}
