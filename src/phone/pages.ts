/** What a person does in Safari: open the link, read, tap. */
import { CaError } from '../errors.ts'
import { requestFollowing } from './http.ts'
import type { Answer } from './http.ts'
import { EnrollmentEnded } from './outcome.ts'
import type { Refusal, Stage } from './outcome.ts'

const safari = 'Mozilla/5.0 (iPhone; CPU iPhone OS 16_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.0 Mobile/15E148 Safari/604.1'
const maxPageText = 2000

export const profileContentType = 'application/x-apple-aspen-config'

/**
 * Opens the invitation and finds the configuration profile it offers.
 *
 * @returns address of `enroll.mobileconfig`
 * @throws {EnrollmentEnded} when the page offers none: ended, used up, refused, in quarantine
 */
export async function openInvitation(link: string): Promise<string> {
  const { answer } = await requestFollowing(link, { userAgent: safari })
  const href = answer.status === 200 ? profileLinkIn(answer.body.toString('utf8')) : undefined
  const url = href === undefined ? null : URL.parse(href, answer.url)
  if (url === null) throw new EnrollmentEnded({ ...refusalOf(answer, 'invitation'), page: link })
  return url.href
}

function profileLinkIn(html: string): string | undefined {
  const hrefs = [...html.matchAll(/<a\s[^>]{0,2000}?\bhref="([^"]{1,2000})"/gi)].map(match => decodeEntities(match[1]!))
  return hrefs.find(href => /\/enroll\.mobileconfig(?:[?#]|$)/.test(href))
}

/**
 * Downloads the profile service. Safari stages it only under its own content type.
 *
 * @throws {EnrollmentEnded}
 */
export async function downloadProfile(url: string): Promise<Buffer> {
  const { answer } = await requestFollowing(url, { userAgent: safari })
  if (answer.status !== 200 || answer.contentType !== profileContentType) {
    throw new EnrollmentEnded(refusalOf(answer, 'profile-service'))
  }
  return answer.body
}

/**
 * Reads an answer that is no configuration profile, as its owner would. For programs a page says in
 * `data-outcome` and `data-code` what it means.
 */
export function refusalOf(answer: Answer, at: Stage): Refusal {
  const { status, contentType, body } = answer
  if (contentType.endsWith('/problem+json')) {
    const { code, text } = readProblem(body)
    return { outcome: 'refused', at, status, text, ...code === undefined ? {} : { code } }
  }
  const html = contentType === 'text/html' ? body.toString('utf8') : ''
  const quarantined = /\sdata-outcome="quarantined"/.test(html)
  const code = /\sdata-code="([a-z-]{1,64})"/.exec(html)?.[1]
  return {
    outcome: quarantined ? 'quarantined' : 'refused', at, status, text: textOf(html) || `the answer has status ${status}`,
    ...code === undefined ? {} : { code },
  }
}

/** RFC 9457; the code is the last part of `type`, or a member of its own. */
function readProblem(body: Buffer): { code: string | undefined, text: string } {
  try {
    const problem = JSON.parse(body.toString('utf8')) as Record<string, unknown>
    const type = typeof problem['type'] === 'string' ? problem['type'].split('/').at(-1) : undefined
    const code = typeof problem['code'] === 'string' ? problem['code'] : type
    return { code, text: String(problem['detail'] ?? problem['title'] ?? '').slice(0, maxPageText) }
  } catch {
    throw new CaError('malformed-request', 'the answer says it is problem+json and is not')
  }
}

function textOf(html: string): string {
  const visible = html.replace(/<(head|style|script)\b[\s\S]*?<\/\1>/gi, ' ').replace(/<[^>]*>/g, ' ')
  return decodeEntities(visible).replace(/\s+/g, ' ').trim().slice(0, maxPageText)
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: '\'', '#39': '\'', '#x27': '\'', nbsp: ' ' }

const decodeEntities = (text: string): string =>
  text.replace(/&([a-z]{2,4}|#x?[0-9a-f]{1,4});/gi, (whole, name: string) => entities[name.toLowerCase()] ?? whole)
