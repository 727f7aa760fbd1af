import { argon2, randomBytes, timingSafeEqual, type Argon2Parameters } from 'node:crypto'
import { CaError } from '../errors.ts'

/** What OWASP asks of argon2id: 19 MiB, two passes, one lane. */
const cost = { memory: 19_456, passes: 2, parallelism: 1 }
export const leastPasswordLength = 12
export const longestPasswordLength = 256

/** Each holds 19 MiB while it is worked out; who comes when so many wait is sent away. */
const mostAtOnce = 2
const mostWaiting = 64
let running = 0
const waiting: (() => void)[] = []

async function derive(password: string, nonce: Buffer, { memory, passes, parallelism }: typeof cost): Promise<Buffer> {
  if (running >= mostAtOnce) {
    if (waiting.length >= mostWaiting) throw new CaError('rate-limited', 'too many people sign in at once; try again in a moment')
    await new Promise<void>(resolve => { waiting.push(resolve) })
  } else {
    running++
  }
  try {
    // NFKC: the same password typed on another keyboard is the same bytes.
    const parameters: Argon2Parameters = { message: password.normalize('NFKC'), nonce, memory, passes, parallelism, tagLength: 32 }
    return await new Promise<Buffer>((resolve, reject) => {
      argon2('argon2id', parameters, (error, key) => { if (error === null) resolve(key); else reject(error) })
    })
  } finally {
    // The place goes to the next in line, or is free.
    const next = waiting.shift()
    if (next === undefined) running--
    else next()
  }
}

const base64 = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '')

/** In PHC format: `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`. */
export async function hashPassword(password: string): Promise<string> {
  const nonce = randomBytes(16)
  return `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=${cost.parallelism}$${base64(nonce)}$${base64(await derive(password, nonce, cost))}`
}

/** Takes the place of the hash of somebody who is not there, so that both take as long. No password has it. */
const nobody = `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=${cost.parallelism}$${base64(randomBytes(16))}$${base64(randomBytes(32))}`

/** @param hash  null when there is no such account, or it has no password: false, after the same work */
export async function verifyPassword(password: string, hash: string | null): Promise<boolean> {
  const match = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(hash ?? nobody)
  if (match === null) throw new TypeError('a stored password hash is not in PHC format')
  const [, memory, passes, parallelism, nonce, tag] = match
  const derived = await derive(password.slice(0, longestPasswordLength), Buffer.from(nonce!, 'base64'), { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) })
  const stored = Buffer.from(tag!, 'base64')
  return derived.length === stored.length && timingSafeEqual(derived, stored) && hash !== null
}

/** What is wrong with a new password, in words; undefined when it will do. Length is what counts. */
export function passwordProblem(password: string, about: readonly string[]): string | undefined {
  const length = [...password].length
  if (length < leastPasswordLength) return `Use at least ${leastPasswordLength} characters. A sentence is good.`
  if (password.length > longestPasswordLength) return `Use at most ${longestPasswordLength} characters.`
  if (new Set(password).size < 5) return 'Use more different characters.'
  const plain = password.toLowerCase()
  const guessable = ['latchkey', 'password', '1234567890', 'qwertyuiop', ...about.flatMap(text => text.toLowerCase().split(/[\s@.]+/))].filter(word => word.length > 3)
  const rest = guessable.reduce((text, word) => text.replaceAll(word, ''), plain)
  return rest.length < 6 ? 'This is easy to guess: it is little more than a name or a common word.' : undefined
}
