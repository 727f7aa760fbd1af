/**
 * The order of the folders of `src/`, as a check over (file, imports) pairs. Each rung may import itself
 * and any rung above it, so that no circle can lead through two of them.
 */

/** A file of `src/` and what it imports: paths within `src/` or package names. */
export type SourceFile = { path: string, imports: readonly string[] }
export type Fault = { path: string, imported?: string, reason: 'unknown rung' | 'upwards' | 'package' | 'circle' }

const rungs = [
  'errors.ts', 'formats/', 'devices/', 'policy/', 'certificates/', 'enrollment/', 'store/', 'keys/', 'config.ts', 'http/',
  'notify/', 'protocols/', 'console/', 'app.ts', 'schedule.ts', 'serve.ts', 'agent/', 'doctor/', 'phone/', 'cli/', 'main.ts',
]

// Programs for other machines, without the service: what they import has to work there.
const selfContained = new Set(['agent/', 'doctor/', 'phone/'])

const http = ['http/', 'protocols/', 'console/', 'app.ts']
const packageOwners: [name: RegExp, owners: string[]][] = [
  [/^(pg|@electric-sql\/pglite)(\/|$)/, ['store/']],
  [/^(koa|@koa\/[^/]+)(\/|$)/, http],
  [/^node-forge(\/|$)/, ['formats/']],
  [/^nodemailer(\/|$)/, ['notify/']],
]

/** Every import that breaks a rule, and every circle (once, by its first file). */
export function findFaults(files: readonly SourceFile[]): Fault[] {
  return [...files.flatMap(faultsOf), ...findCircles(files)]
}

/** `formats/` for `formats/der.ts`, `errors.ts` for itself; undefined for what stands nowhere. */
const rungOf = (path: string): string | undefined => rungs.find(rung => rung.endsWith('/') ? path.startsWith(rung) : path === rung)

function faultsOf({ path, imports }: SourceFile): Fault[] {
  const rung = rungOf(path)
  if (rung === undefined) return [{ path, reason: 'unknown rung' }]
  return imports.flatMap((imported): Fault[] => {
    if (!isSource(imported)) return mayUse(rung, imported) ? [] : [{ path, imported, reason: 'package' }]
    const other = rungOf(imported)
    // The unknown one is reported for itself.
    return other === undefined || mayImport(rung, other) ? [] : [{ path, imported, reason: 'upwards' }]
  })
}

const isSource = (imported: string): boolean => /\.(ts|json)$/.test(imported)

function mayImport(rung: string, other: string): boolean {
  if (selfContained.has(rung)) return [rung, 'formats/', 'errors.ts'].includes(other)
  return rungs.indexOf(other) <= rungs.indexOf(rung)
}

const mayUse = (rung: string, name: string): boolean =>
  packageOwners.every(([pattern, owners]) => !pattern.test(name) || owners.includes(rung))

function findCircles(files: readonly SourceFile[]): Fault[] {
  const importsOf = new Map(files.map(({ path, imports }) => [path, imports]))
  const done = new Set<string>()
  const circles: Fault[] = []
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) circles.push({ path, imported: [...trail.slice(trail.indexOf(path)), path].join(' → '), reason: 'circle' })
    if (done.has(path) || trail.includes(path)) return
    for (const imported of importsOf.get(path) ?? []) visit(imported, [...trail, path])
    done.add(path)
  }
  for (const { path } of files) visit(path, [])
  return circles
}

/** What TypeScript source imports, re-exports or imports at run time, as written. */
export function importsIn(source: string): string[] {
  const found = source.matchAll(/^(?:import|export)\b[^'";]*?\bfrom\s*['"]([^'"]+)['"]|^import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm)
  return [...found].map(([, from, bare, dynamic]) => (from ?? bare ?? dynamic)!)
}
