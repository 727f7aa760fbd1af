import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder, replaceFile } from '../files.ts'

/** Puts down the CAs whose phones a front end takes, in a folder that is made where it is missing. @returns whether there were others before */
export function writeCaFile(files: string, ca: string): boolean {
  makeFolder(files, 0o755)
  const path = join(files, 'ca.pem')
  const before = existsSync(path) ? readFileSync(path, 'utf8') : undefined
  if (before !== ca) replaceFile(path, ca, { mode: 0o644 })
  return before !== undefined && before !== ca
}
