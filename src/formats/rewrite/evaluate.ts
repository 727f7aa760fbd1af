/**
 * What a ruleset does with one request, step by step as mod_rewrite does it (httpd 2.4, modules/mappers/mod_rewrite.c:
 * apply_rewrite_list, apply_rewrite_rule, apply_rewrite_cond). The tests hold it against a real Apache.
 */
import type { Found } from '../pattern/run-pattern.ts'
import { expand } from './expand.ts'
import type { RewriteCondition, RewriteRule, Ruleset, Test } from './ruleset.ts'

/** The last condition that spoke for the rule; undefined when the rule has none. */
export type Match = { readonly rule: RewriteRule, readonly condition: RewriteCondition | undefined }

export type Outcome = {
  /** The rule that decided: that which refused or sent elsewhere, else that at which it ended; undefined when none applied. */
  readonly match: Match | undefined
  /** `rewritten`: to another address on the same server, so ActiveSync is not reached. */
  readonly httpStatus: number | 'unmodified' | 'rewritten'
  readonly location: string | null
  readonly passed: boolean
}

type Request = {
  readonly variables: Map<string, string>
  readonly perDirectory: boolean
  /** A path, or a whole address once a rule said so. */
  uri: string
  query: string
  redirect: number | null
  moved: Match | undefined
  last: Match | undefined
}

/** Where a ruleset of a folder rewrites in a circle Apache gives up too, with 500. */
const maxRounds = 10

/** @param variables  see `usualVariables`; `HTTP_USER_AGENT` is `''` when the header is missing */
export function evaluateRuleset(ruleset: Ruleset, variables: ReadonlyMap<string, string>): Outcome {
  const asked = variables.get('REQUEST_URI') ?? '/'
  const request: Request = {
    variables: new Map(variables), perDirectory: ruleset.perDirectory, uri: asked, query: variables.get('QUERY_STRING') ?? '', redirect: null, moved: undefined, last: undefined,
  }
  if (!ruleset.engine) return { match: undefined, httpStatus: 'unmodified', location: null, passed: true }
  for (let round = 0; round < maxRounds; round++) {
    const before = request.uri
    const { status, ended, proxied } = applyList(ruleset.rules, request)
    if (status !== null) return { match: request.last, httpStatus: status, location: null, passed: status < 400 }
    if (proxied) return { match: request.last, httpStatus: 'unmodified', location: null, passed: isSameResource(request.uri, asked) }
    if (isAbsolute(request.uri)) return { match: request.moved, httpStatus: request.redirect ?? 302, location: locationOf(request), passed: false }
    if (request.uri === before || !ruleset.perDirectory || ended) return settled(request, asked)
  }
  return { match: request.last, httpStatus: 500, location: null, passed: false }
}

function settled(request: Request, asked: string): Outcome {
  const passed = isSameResource(request.uri, asked)
  return { match: passed ? request.last : request.moved, httpStatus: passed ? 'unmodified' : 'rewritten', location: null, passed }
}

const isAbsolute = (uri: string): boolean => /^(https?|ftp|ldaps?|ws|wss|fcgi|scgi|ajp|balancer|gopher|nntp|mailto|news):/i.test(uri)
/** Below the address that was asked for, on whichever server; the address has no case on Exchange. */
const isSameResource = (uri: string, asked: string): boolean => uri.replace(/^[a-z]+:\/\/[^/]*/i, '').toLowerCase().startsWith(asked.toLowerCase())

const locationOf = ({ uri, query }: Request): string => query === '' ? uri : `${uri}?${query}`

type Ending = { status: number | null, ended: boolean, proxied: boolean }

function applyList(rules: readonly RewriteRule[], request: Request): Ending {
  for (let i = 0; i < rules.length; i++) {
    const rule = rules[i]!
    const condition = applies(rule, request)
    if (condition === false) {
      // The rules that are chained to this one go with it.
      while (i < rules.length && rules[i]!.flags.chain) i++
      continue
    }
    const { flags } = rule
    request.last = { rule, condition }
    if (flags.status !== null) return { status: flags.status, ended: true, proxied: false }
    if (flags.proxy) return { status: null, ended: true, proxied: true }
    if (flags.last || flags.end || flags.passThrough) return { status: null, ended: flags.end, proxied: false }
    i += flags.skip
  }
  return { status: null, ended: false, proxied: false }
}

/** Whether the rule applies, and if so changes the request. @returns the condition that decided, false when it does not apply */
function applies(rule: RewriteRule, request: Request): RewriteCondition | undefined | false {
  // Apache looks at the rule's own pattern before the conditions above it.
  const path = request.perDirectory ? request.uri.replace(/^\//, '') : request.uri
  const found = findIn(rule.test, path)
  if (found === undefined) return false
  const held = holdAll(rule.conditions, request, found)
  if (held === false) return false
  const values = { variables: request.variables, rule: found, condition: held.found }
  for (const setting of rule.flags.environment) setEnvironment(request.variables, expand(setting, values))
  if (rule.substitution !== '-') substitute(rule, expand(rule.substitution, values), request, held.condition)
  return held.condition
}

const noGroups: Found = { groups: [] }

type Held = { found: Found, condition: RewriteCondition | undefined }

function holdAll(conditions: readonly RewriteCondition[], request: Request, rule: Found): Held | false {
  let before = noGroups
  let condition: RewriteCondition | undefined
  for (let i = 0; i < conditions.length; i++) {
    const current = conditions[i]!
    const found = findIn(current.test, expand(current.subject, { variables: request.variables, rule, condition: before }))
    if (found === undefined) {
      // With OR the next one may still hold. When there is no next one, nothing has failed: the rule applies to everybody.
      if (current.or) continue
      return false
    }
    if (!current.test.negated) before = found
    condition = current
    while (i < conditions.length && conditions[i]!.or) i++
  }
  return { found: before, condition }
}

/** The match, one without groups for a negated test that holds, undefined when the test does not hold. */
function findIn(test: Test, text: string): Found | undefined {
  if (!('pattern' in test)) {
    const same = test.ignoreCase ? test.equals.toLowerCase() === text.toLowerCase() : test.equals === text
    return same !== test.negated ? noGroups : undefined
  }
  const found = test.pattern.find(text)
  if (test.negated) return found === undefined ? noGroups : undefined
  return found
}

function setEnvironment(variables: Map<string, string>, setting: string): void {
  const [, name = '', value = ''] = /^([^:]*):?(.*)$/s.exec(setting)!
  if (name.startsWith('!')) variables.delete(`ENV:${name.slice(1)}`)
  else variables.set(`ENV:${name}`, value)
}

function substitute(rule: RewriteRule, text: string, request: Request, condition: RewriteCondition | undefined): void {
  const { flags } = rule
  const [, path = '', query] = /^([^?]*)(?:\?(.*))?$/s.exec(text)!
  const before = request.uri
  request.uri = isAbsolute(path) || path.startsWith('/') ? path : `/${path}`
  if (query !== undefined) request.query = flags.keepQuery && request.query !== '' ? `${query}&${request.query}` : query
  else if (flags.dropQuery) request.query = ''
  // A redirection to a path is sent as a whole address of this very server.
  if (flags.redirect !== null && !isAbsolute(request.uri)) request.uri = `${request.variables.get('REQUEST_SCHEME') ?? 'https'}://${request.variables.get('HTTP_HOST') ?? 'this-server'}${request.uri}`
  if (isAbsolute(request.uri) && !flags.proxy) request.redirect = flags.redirect ?? 302
  if (request.uri !== before) request.moved = { rule, condition }
}
