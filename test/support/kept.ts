/** What takes long to make and no test depends on being new: made once for all test processes and kept in files. */
import { createHash, createPrivateKey, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import { makeDeviceCa } from '../../src/phone/make-ca.ts'
import { temporaryFolder } from './temporary.ts'

const folder = fileURLToPath(new URL('../../node_modules/.cache/latchkey/', import.meta.url))
const unfinished = (path: string): string => `${path}.${randomBytes(6).toString('hex')}`
const keys = new Map<string, KeyObject>()

/** @param name  says what it is made of and how: another content, another name */
export async function kept(name: string, make: () => Promise<Buffer>): Promise<Buffer> {
  const path = join(folder, name)
  const there = await readFile(path).catch(() => undefined)
  if (there !== undefined) return there
  const made = await make()
  try {
    await mkdir(folder, { recursive: true })
    const beside = unfinished(path)
    await writeFile(beside, made)
    await rename(beside, path)
  } catch { /* a checkout that cannot be written to does without */ }
  return made
}

/** The same RSA key for the same name and length. */
export function keptRsaKey(bits: number, name: string): KeyObject {
  const file = `rsa-${bits}-${name}.pem`
  const key = keys.get(file) ?? createPrivateKey(keptSync(file, () => generateKeyPairSync('rsa', { modulusLength: bits, privateKeyEncoding: { type: 'pkcs8', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } }).privateKey))
  keys.set(file, key)
  return key
}

/** Of a phone that tests make messages for. */
export const phoneKeys = { device: keptRsaKey(1024, 'phone'), bootstrap: keptRsaKey(2048, 'phone-bootstrap'), identity: keptRsaKey(2048, 'phone-identity') }

/** @returns the folder of a test device CA; nobody writes to it */
export async function keptDeviceCa(t: ExecutionContext<any>): Promise<string> {
  const source = createHash('sha256').update(readFileSync(new URL('../../src/phone/make-ca.ts', import.meta.url))).digest('hex')
  const path = join(folder, `device-ca-${source.slice(0, 16)}`)
  if (existsSync(path)) return path
  const beside = unfinished(path)
  try {
    await makeDeviceCa(beside)
    await rename(beside, path)
    return path
  } catch {
    await rm(beside, { recursive: true, force: true })
    if (existsSync(path)) return path // somebody else was first
    const own = join(await temporaryFolder(t), 'device-ca')
    await makeDeviceCa(own)
    return own
  }
}

function keptSync(name: string, make: () => string): string {
  const path = join(folder, name)
  try {
    return readFileSync(path, 'utf8')
  } catch { /* not yet */ }
  const made = make()
  try {
    mkdirSync(folder, { recursive: true })
    const beside = unfinished(path)
    writeFileSync(beside, made, { mode: 0o600 })
    renameSync(beside, path)
  } catch { /* a checkout that cannot be written to does without */ }
  return made
}
