import type { CaError } from '../errors.ts'
import type { EnrollmentDeps } from './deps.ts'
import type { EnrollmentStep } from './records.ts'

/** What stopped the phone, for the page that the person and the admin look at. What is decided stays as it is. */
export async function remember(deps: Pick<EnrollmentDeps, 'store' | 'now'>, enrollmentId: string, error: CaError, step: EnrollmentStep): Promise<void> {
  await deps.store.transaction(async tx => {
    const { state } = await tx.lockEnrollment(enrollmentId)
    if (!['invited', 'allowed', 'profiled'].includes(state)) return
    await tx.saveEnrollment(enrollmentId, { lastError: error.code, lastErrorStep: step }, deps.now())
  })
}
