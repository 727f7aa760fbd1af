/** Many serial numbers in little memory: sorted, 20 octets each, in one buffer (a million: 20 MB). */

// RFC 5280 §4.1.2.2. Shorter ones are filled up in front: none of them begins with a zero octet.
const width = 20

export class SerialNumbers {
  readonly #sorted: Buffer

  private constructor(sorted: Buffer) {
    this.#sorted = sorted
  }

  /** @param serialNumbers  lower-case hex, in any order; one that appears twice counts twice */
  static of(serialNumbers: Iterable<string>): SerialNumbers {
    let bytes = Buffer.alloc(width * 256)
    let length = 0
    let inOrder = true
    for (const serialNumber of serialNumbers) {
      if (length === bytes.length) bytes = Buffer.concat([bytes], bytes.length * 2)
      write(bytes, length, serialNumber)
      if (length > 0 && bytes.compare(bytes, length - width, length, length, length + width) < 0) inOrder = false
      length += width
    }
    const filled = Buffer.from(bytes.subarray(0, length))
    return new SerialNumbers(inOrder ? filled : sort(filled))
  }

  get size(): number {
    return this.#sorted.length / width
  }

  has(serialNumber: string): boolean {
    if (serialNumber.length > width * 2) return false
    const wanted = Buffer.alloc(width)
    write(wanted, 0, serialNumber)
    let [low, high] = [0, this.size]
    while (low < high) {
      const middle = (low + high) >>> 1
      const order = this.#sorted.compare(wanted, 0, width, middle * width, (middle + 1) * width)
      if (order === 0) return true
      if (order < 0) low = middle + 1
      else high = middle
    }
    return false
  }

  /** In order, lower-case hex. */
  * [Symbol.iterator](): Generator<string> {
    for (let offset = 0; offset < this.#sorted.length; offset += width) yield read(this.#sorted, offset)
  }

  /** Those of these that `other` has not; both are walked once. */
  * without(other: SerialNumbers): Generator<string> {
    const [mine, theirs] = [this.#sorted, other.#sorted]
    let at = 0
    for (let offset = 0; offset < mine.length; offset += width) {
      let order = -1
      while (at < theirs.length && (order = theirs.compare(mine, offset, offset + width, at, at + width)) < 0) at += width
      if (at >= theirs.length || order !== 0) yield read(mine, offset)
    }
  }
}

function write(bytes: Buffer, offset: number, serialNumber: string): void {
  const start = offset + width - Math.ceil(serialNumber.length / 2)
  bytes.fill(0, offset, start)
  bytes.write(serialNumber, start, 'hex')
}

function read(bytes: Buffer, offset: number): string {
  let start = offset
  while (start < offset + width - 1 && bytes[start] === 0) start++
  return bytes.toString('hex', start, offset + width)
}

function sort(bytes: Buffer): Buffer {
  const order = Uint32Array.from({ length: bytes.length / width }, (_, index) => index * width)
  order.sort((a, b) => bytes.compare(bytes, b, b + width, a, a + width))
  const sorted = Buffer.alloc(bytes.length)
  order.forEach((from, index) => { bytes.copy(sorted, index * width, from, from + width) })
  return sorted
}
