import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { findFaults, importsIn, type SourceFile } from './support/ladder.ts'

const src = fileURLToPath(new URL('../src/', import.meta.url))

function readSource(): SourceFile[] {
  const paths = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(path => path.endsWith('.ts'))
  return paths.map(path => ({
    path,
    imports: importsIn(readFileSync(join(src, path), 'utf8')).map(name => name.startsWith('.') ? join(dirname(path), name) : name),
  }))
}

test('every source file stands on its rung, imports nothing from below, and is part of no circle', t => {
  const files = readSource()
  t.true(files.length > 10)
  t.deepEqual(findFaults(files), [])
})

test('what is allowed is not reported', t => {
  t.deepEqual(findFaults([
    { path: 'errors.ts', imports: [] },
    { path: 'formats/x509.ts', imports: ['errors.ts', 'formats/der.ts', 'node-forge', 'node:crypto'] },
    { path: 'formats/der.ts', imports: ['errors.ts'] },
    { path: 'devices/catalogue.ts', imports: ['devices/data/device-models.json', 'zod'] },
    { path: 'store/server.ts', imports: ['pg', 'policy/rules.ts'] },
    { path: 'store/embedded.ts', imports: ['@electric-sql/pglite', '@electric-sql/pglite/nodefs'] },
    { path: 'protocols/ocsp/router.ts', imports: ['koa', '@koa/router', 'http/problem.ts', 'store/certificates.ts'] },
    { path: 'phone/enroll.ts', imports: ['formats/x509.ts', 'phone/scep.ts', 'errors.ts', 'node:http'] },
    { path: 'cli/phone.ts', imports: ['phone/enroll.ts', 'commander'] },
    { path: 'main.ts', imports: ['app.ts', 'schedule.ts', 'store/open.ts'] },
  ]), [])
})

const planted: [title: string, files: SourceFile[], reason: string][] = [
  ['a folder that the list does not name', [{ path: 'helpers/misc.ts', imports: [] }], 'unknown rung'],
  ['a file beside the folders that the list does not name', [{ path: 'util.ts', imports: [] }], 'unknown rung'],
  ['an import from below', [{ path: 'policy/decide.ts', imports: ['store/db.ts'] }], 'upwards'],
  ['an import of errors from anywhere', [{ path: 'errors.ts', imports: ['formats/der.ts'] }], 'upwards'],
  ['a phone that knows the service', [{ path: 'phone/enroll.ts', imports: ['enrollment/template.ts'] }], 'upwards'],
  ['an agent with a database', [{ path: 'agent/feed.ts', imports: ['store/db.ts'] }], 'upwards'],
  ['SQL outside the store', [{ path: 'certificates/issue.ts', imports: ['pg'] }], 'package'],
  ['an embedded database outside the store', [{ path: 'cli/backup.ts', imports: ['@electric-sql/pglite/nodefs'] }], 'package'],
  ['HTTP in the domain', [{ path: 'enrollment/ota.ts', imports: ['koa'] }], 'package'],
  ['a router in the schedule', [{ path: 'schedule.ts', imports: ['@koa/router'] }], 'package'],
  ['forge outside the formats', [{ path: 'keys/file.ts', imports: ['node-forge/lib/pkcs12.js'] }], 'package'],
  ['two files that import each other', [
    { path: 'formats/a.ts', imports: ['formats/b.ts'] }, { path: 'formats/b.ts', imports: ['formats/a.ts'] },
  ], 'circle'],
  ['a file that imports itself', [{ path: 'formats/a.ts', imports: ['formats/a.ts'] }], 'circle'],
  ['a circle of three, entered from outside', [
    { path: 'store/d.ts', imports: ['store/a.ts'] }, { path: 'store/a.ts', imports: ['store/b.ts'] },
    { path: 'store/b.ts', imports: ['store/c.ts'] }, { path: 'store/c.ts', imports: ['store/a.ts'] },
  ], 'circle'],
]

for (const [title, files, reason] of planted) {
  test(`the order of imports excludes ${title}`, t => {
    t.deepEqual(findFaults(files).map(fault => fault.reason), [reason])
  })
}

test('imports are found however they are written', t => {
  t.deepEqual(importsIn(`import fs from 'node:fs'
import { a,
  b } from './b.ts'
import type { C } from "./c.ts"
import './d.ts'
export { e } from './e.ts'
export * from './f.ts'
export const g = 1
const from = 'nowhere'
const h = await import('./h.ts')
type I = import('./i.ts').I
`), ['node:fs', './b.ts', './c.ts', './d.ts', './e.ts', './f.ts', './h.ts', './i.ts'])
})
