/** Lines of an Apache configuration as directives and their arguments (server/util.c, modules/mappers/mod_rewrite.c). */
import { CaError } from '../../errors.ts'

/** @property line  the one on which it begins, counted from 1 */
export type Directive = { readonly line: number, readonly name: string, readonly rest: string }

export const maxRulesetBytes = 256 * 1024

/** A backslash at the end of a line goes on with the next one, in comments too; what begins with # is a comment. */
export function readDirectives(text: string): Directive[] {
  if (Buffer.byteLength(text) > maxRulesetBytes) throw new CaError('unsupported-rewrite-rules', `the ruleset is larger than ${maxRulesetBytes / 1024} kB`)
  const directives: Directive[] = []
  let held = ''
  let begun: number | undefined
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  for (const [i, line] of lines.entries()) {
    begun ??= i + 1
    if (line.endsWith('\\') && i < lines.length - 1) {
      held += line.slice(0, -1)
      continue
    }
    const whole = (held + line).trim()
    const match = /^(\S+)\s*(.*)$/s.exec(whole)
    if (match !== null && !whole.startsWith('#')) directives.push({ line: begun, name: match[1]!, rest: match[2]! })
    held = ''
    begun = undefined
  }
  return directives
}

/**
 * Up to three arguments, as mod_rewrite takes them apart: in quotation marks of either kind, or up to a space without a
 * backslash before it. The backslash stays, because the pattern needs it. What stands behind the third is passed over.
 *
 * @returns undefined when there are fewer than two
 */
export function splitArguments(rest: string): string[] | undefined {
  const found: string[] = []
  let at = 0
  while (found.length < 3) {
    while (isSpace(rest[at])) at++
    if (at >= rest.length) break
    const quote = rest[at] === '"' || rest[at] === '\'' ? rest[at++] : undefined
    const begin = at
    while (at < rest.length && (quote === undefined ? !isSpace(rest[at]) : rest[at] !== quote)) {
      at += rest[at] === '\\' && (isSpace(rest[at + 1]) || (quote !== undefined && rest[at + 1] === quote)) ? 2 : 1
    }
    found.push(rest.slice(begin, at))
    at++
  }
  return found.length < 2 ? undefined : found
}

const isSpace = (character: string | undefined): boolean => character !== undefined && /\s/.test(character)
