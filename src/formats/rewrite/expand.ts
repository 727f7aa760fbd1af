/** Texts with variables in them: `%{HTTP_USER_AGENT}`, `$1` of the rule, `%1` of its last condition. */
import { CaError } from '../../errors.ts'
import type { Found } from '../pattern/run-pattern.ts'

export type Values = {
  readonly variables: ReadonlyMap<string, string>
  readonly rule: Found
  readonly condition: Found
}

const maxCharacters = 8192

/** @throws {CaError} unsupported-rewrite-rules when a variable is used whose value nobody said */
export function expand(text: string, values: Values): string {
  const expanded = text.replaceAll(/\\(.)|\$(\d)|%(\d)|([%$])\{([^}]*)\}/gs, (whole, escaped?: string, ofRule?: string, ofCondition?: string, sign?: string, name = '') => {
    if (escaped !== undefined) return '$%\\'.includes(escaped) ? escaped : whole
    if (ofRule !== undefined) return values.rule.groups[Number(ofRule)] ?? ''
    if (ofCondition !== undefined) return values.condition.groups[Number(ofCondition)] ?? ''
    if (sign === '$') throw new CaError('unsupported-rewrite-rules', 'a map is used, and its contents are not known')
    return valueOf(name, values.variables)
  })
  if (expanded.length > maxCharacters) throw new CaError('unsupported-rewrite-rules', `a text grows beyond ${maxCharacters} characters`)
  return expanded
}

function valueOf(name: string, variables: ReadonlyMap<string, string>): string {
  // Nobody set it, so it is empty.
  if (name.startsWith('ENV:')) return variables.get(name) ?? ''
  const value = variables.get(canonicalName(name))
  if (value === undefined) throw new CaError('unsupported-rewrite-rules', `%{${name.slice(0, 60)}} is asked for, and nobody said what it is (--set NAME=VALUE)`)
  return value
}

/** `%{HTTP:User-Agent}` is `%{HTTP_USER_AGENT}`; names of headers have no case. */
export function canonicalName(name: string): string {
  const header = /^HTTP:(.+)$/i.exec(name)?.[1]
  return header === undefined ? name.toUpperCase() : `HTTP_${header.toUpperCase().replaceAll('-', '_')}`
}

/** What an ActiveSync client asks for. */
export const usualVariables: ReadonlyMap<string, string> = new Map([
  ['REQUEST_METHOD', 'POST'], ['REQUEST_URI', '/Microsoft-Server-ActiveSync'], ['REQUEST_SCHEME', 'https'], ['HTTPS', 'on'], ['SERVER_PORT', '443'], ['QUERY_STRING', ''],
])
