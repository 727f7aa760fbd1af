/** Reads a page more strictly than browsers do, so that a text which became markup is noticed. */

const voids = new Set(['meta', 'link', 'input', 'br', 'hr', 'img', 'wbr', 'path', 'rect', 'line', 'circle', 'polyline', 'polygon', 'use'])
// `&` that is no entity, or an attribute without quotes, would have come from a text that was not escaped.
const token = /<!doctype html>|<!--(?:(?!-->)[^])*-->|<\/([a-z][a-z0-9]*)>|<([a-z][a-zA-Z0-9]*)((?:\s+[a-zA-Z][a-zA-Z0-9:-]*(?:="[^"<>]*")?)*)\s*(\/?)>|&(?:amp|lt|gt|quot|#39|nbsp|middot|times);|[^<>&]+/y

/** What is wrong with a page, in words; nothing when all is well. */
export function faultsOfPage(text: string, headers: Headers): string[] {
  return [...faultsOfHeaders(headers), ...faultsOfMarkup(text)]
}

function faultsOfHeaders(headers: Headers): string[] {
  const policy = headers.get('content-security-policy') ?? ''
  return [
    ...policy.includes('default-src \'none\'') && policy.includes('frame-ancestors \'none\'') ? [] : ['no strict content-security-policy'],
    ...policy.includes('unsafe-') ? ['unsafe content-security-policy'] : [],
    ...headers.get('x-content-type-options') === 'nosniff' ? [] : ['no nosniff'],
    ...headers.get('cache-control') === 'no-store' ? [] : ['may be cached'],
  ]
}

function faultsOfMarkup(text: string): string[] {
  const faults: string[] = []
  const open: string[] = []
  const ids = new Set<string>()
  token.lastIndex = 0
  while (token.lastIndex < text.length) {
    const from = token.lastIndex
    const match = token.exec(text)
    if (match === null) return [...faults, `not well-formed: ${text.slice(from, from + 80)}`]
    const [, ended, begun, attributes, selfClosed] = match
    if (ended !== undefined && open.pop() !== ended) return [...faults, `</${ended}> closes nothing, before ${text.slice(from, from + 80)}`]
    if (begun === undefined) continue
    if (!voids.has(begun) && selfClosed === '') open.push(begun)
    faults.push(...faultsOfTag(begun, attributes ?? '', ids))
  }
  return open.length === 0 ? faults : [...faults, `<${open.at(-1)}> is not closed`]
}

function faultsOfTag(name: string, attributes: string, ids: Set<string>): string[] {
  const faults: string[] = []
  for (const [, key, value = ''] of attributes.matchAll(/([a-zA-Z][a-zA-Z0-9:-]*)(?:="([^"]*)")?/g)) {
    if (/^on/i.test(key!) || key === 'style') faults.push(`<${name} ${key}>`)
    if (['href', 'src', 'action', 'formaction'].includes(key!) && !/^(\/(?!\/)|#|\?|mailto:)/.test(value)) faults.push(`<${name} ${key}="${value}"> leads elsewhere`)
    if (key !== 'id') continue
    if (ids.has(value)) faults.push(`two things have the id ${value}`)
    ids.add(value)
  }
  if (name === 'script' && !/\bsrc="\/assets\//.test(attributes)) faults.push('a script in the page')
  if (name === 'style') faults.push('a style in the page')
  return faults
}
