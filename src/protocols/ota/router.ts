import Router from '@koa/router'
import type { Context } from 'koa'
import { CaError, type ErrorCode } from '../../errors.ts'
import { beginEnrollment } from '../../enrollment/begin.ts'
import type { EnrollmentDeps } from '../../enrollment/deps.ts'
import { answerOtaMessage, maxOtaMessageBytes } from '../../enrollment/ota-message.ts'
import { readBody } from '../../http/body.ts'

export const profileType = 'application/x-apple-aspen-config'

/**
 * Over-the-Air enrollment (Apple, "Over-the-Air Profile Delivery and Configuration"): the Profile Service profile and
 * both messages, which a phone posts to the address in that profile.
 */
export function otaRouter(deps: EnrollmentDeps): Router {
  const router = new Router()

  router.get('/ota/:token/enroll.mobileconfig', async ctx => {
    sendProfile(ctx, await beginEnrollment(deps, ctx.params['token'] ?? ''))
  })

  router.post('/ota/:enrollment', async ctx => {
    const enrollmentId = ctx.params['enrollment'] ?? ''
    try {
      const answer = await answerOtaMessage(deps, enrollmentId, await readBody(ctx.req, maxOtaMessageBytes))
      if (answer.kind === 'document') sendProfile(ctx, answer.body)
      else sendToPage(ctx, deps, answer.enrollmentId)
    } catch (error) {
      if (!(error instanceof CaError) || answerTo[error.code] !== 'page') throw error
      sendToPage(ctx, deps, enrollmentId)
    }
  })

  return router
}

function sendProfile(ctx: Context, document: Buffer): void {
  ctx.set('cache-control', 'no-store')
  ctx.type = profileType
  ctx.body = document
}

/**
 * Only a 301 is remembered by iOS, which then opens it in Safari; 302, 303 and 307 end in "Invalid Profile". It must
 * not be cached: the same address answers differently later.
 */
function sendToPage(ctx: Context, deps: EnrollmentDeps, enrollmentId: string): void {
  ctx.set('cache-control', 'no-store')
  ctx.status = 301
  ctx.set('location', `${deps.url}/i/e/${enrollmentId}`)
  ctx.body = ''
}

/** A phone that told us who it is sees a page that says what to do; whoever did not gets a problem document. */
const answerTo: Partial<Record<ErrorCode, 'page'>> = {
  'challenge-expired': 'page',
  'challenge-used': 'page',
  'certificate-expired': 'page',
  'invitation-ended': 'page',
  'invitation-expired': 'page',
  'invitation-used-up': 'page',
  'blocked-by-policy': 'page',
  'quarantined-by-policy': 'page',
  'decision-changed': 'page',
  'enrollment-state': 'page',
}
