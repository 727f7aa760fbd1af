import { existsSync, readFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'

const root = fileURLToPath(new URL('..', import.meta.url))
const documents = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], { cwd: root, encoding: 'utf8' }).split('\n').filter(path => path !== '')

test('every relative link in every document leads somewhere', t => {
  t.true(documents.includes('README.md'))
  for (const path of documents) {
    for (const [, target] of readFileSync(join(root, path), 'utf8').matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)/g)) {
      t.true(existsSync(join(root, dirname(path), target!)), `${path} links to ${target}`)
    }
  }
})

test('the README names every setting, and no other', t => {
  const settings = (text: string): string[] => [...new Set([...text.matchAll(/\b(?:LATCHKEY_[A-Z_]+[A-Z]|DATABASE_(?:DIRECT_)?URL)\b/g)].map(([name]) => name))].sort()
  const named = settings(readFileSync(join(root, 'README.md'), 'utf8').split('## Settings')[1]!.split(/^## /m)[0]!)
  const read = settings(readFileSync(join(root, 'src/config.ts'), 'utf8'))
  t.deepEqual(named, read)
})
