/** What cannot be beaten: the bare operation of openssl, on one core. */
import { run } from '../support/peers.ts'
import type { Contender } from './rounds.ts'

/** Signatures a second of `openssl speed`, or what of it is done for one piece of work. */
export function opensslSigns(algorithm: 'ecdsap256' | 'rsa2048', who = `limit: openssl speed ${algorithm}, signatures on one core`): Contender {
  return { who, measure: async () => ({ value: await signaturesPerSecond(algorithm) }) }
}

export async function signaturesPerSecond(algorithm: 'ecdsap256' | 'rsa2048'): Promise<number> {
  const { stdout } = await run('openssl', ['speed', '-seconds', '1', algorithm])
  // The last line: … a signature takes, a verification takes, signatures a second, verifications a second.
  const found = /([\d.]+)\s+([\d.]+)\s*$/.exec(stdout.toString())
  if (found === null) throw new Error('openssl speed said nothing that can be read')
  return Number(found[1])
}

/** Megabytes a second of SHA-256. */
export async function sha256MbPerSecond(): Promise<number> {
  const { stdout } = await run('openssl', ['speed', '-seconds', '1', '-bytes', '16384', '-evp', 'sha256'])
  const found = /([\d.]+)k\s*$/.exec(stdout.toString())
  if (found === null) throw new Error('openssl speed said nothing that can be read')
  return Number(found[1]) / 1000
}
