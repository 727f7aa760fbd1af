import Router from '@koa/router'
import { CaError } from '../errors.ts'
import { findInvitation } from '../enrollment/begin.ts'
import { decideDevice } from '../enrollment/decide-device.ts'
import type { EnrollmentDeps } from '../enrollment/deps.ts'
import { isEnrollmentId } from '../enrollment/secrets.ts'
import { invitationPage, unknownInvitation } from './invitation-page.ts'
import { sendPage, sendStylesheet, stylesheetPath, type Page } from './page.ts'
import { statusPage, type EnrollmentView } from './status-page.ts'

/** The pages of phone owners: an invitation behind its link, and where one enrollment stands. */
export function personRouter(deps: EnrollmentDeps): Router {
  const router = new Router()
  router.get(stylesheetPath, sendStylesheet)
  router.get('/i/e/:enrollment', async ctx => {
    const view = await viewOf(deps, ctx.params['enrollment'] ?? '')
    if (view === undefined) sendPage(ctx, unknownInvitation, 404)
    else sendPage(ctx, statusPage(view))
  })
  router.get('/i/:token', async ctx => {
    const token = ctx.params['token'] ?? ''
    const page = await invitationOf(deps, token)
    sendPage(ctx, page ?? unknownInvitation, page === undefined ? 404 : 200)
  })
  return router
}

async function invitationOf(deps: EnrollmentDeps, token: string): Promise<Page | undefined> {
  try {
    return invitationPage(await findInvitation(deps.store, token), token, deps.now())
  } catch (error) {
    if (error instanceof CaError && error.code === 'invitation-not-found') return undefined
    throw error
  }
}

async function viewOf(deps: EnrollmentDeps, id: string): Promise<EnrollmentView | undefined> {
  const enrollment = isEnrollmentId(id) ? await deps.store.enrollment(id) : undefined
  if (enrollment === undefined) return undefined
  const invitation = (await deps.store.invitation(enrollment.invitationId))!
  const device = enrollment.deviceId === null ? undefined : await deps.store.device(enrollment.deviceId)
  const waits = device !== undefined && (['allowed', 'profiled', 'quarantined'].includes(enrollment.state) || device.lockedOut !== null || invitation.person.held)
  return {
    enrollment, invitation, device,
    modelName: device === undefined ? undefined : deps.catalogue().models.get(device.productType)?.name,
    decisionNow: waits ? await decideDevice(deps, deps.store, device, invitation, deps.now()) : undefined,
  }
}
