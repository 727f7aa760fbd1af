import type { ErrorCode } from '../../errors.ts'
import type { DecisionCode } from '../../policy/decision.ts'

/** What stopped a phone, in words for the admin who is asked about it: what was found, and what would help. */
const words: Partial<Record<ErrorCode | DecisionCode, string>> = {
  'challenge-expired': 'the downloaded profile had waited too long. The invitation has to be opened again.',
  'challenge-used': 'this download had been used before. The invitation has to be opened again.',
  'bad-challenge': 'the phone answered with something other than what it was given. Opening the invitation again helps, unless somebody plays with it.',
  'certificate-expired': 'the first step was more than an hour old. The invitation has to be opened again.',
  'invitation-expired': 'the invitation had run out. A new one helps.',
  'invitation-ended': 'the invitation had been taken back.',
  'invitation-used-up': 'all places of the invitation were taken. Another invitation helps.',
  'device-attributes-missing': 'it did not say which model it is.',
  'device-attributes-changed': 'it said something else about itself than a moment before. This should not happen to an honest phone.',
  'device-issuer-unknown': 'its message was not signed by a device that Apple made. This should not happen to an honest phone.',
  'device-identity-denied': 'it signed with an identity that has leaked and proves nothing.',
  'device-certificate-invalid': 'the certificate with which it signed is not one that Apple gives to phones.',
  'bootstrap-identity-mismatch': 'the second message did not come from the phone that sent the first.',
  'device-mismatch': 'another phone answered than the one that had begun.',
  'enrollment-state': 'this download had been used before. The invitation has to be opened again.',
  'decision-changed': 'the policy changed while the key was being made. The invitation has to be opened again.',
  'evidence-too-old': 'what is known of the phone is too old. The invitation has to be opened again.',
  'rate-limited': 'this phone asked for too many certificates in one day.',
  'malformed-plist': 'its message could not be read.',
  'malformed-cms': 'its message could not be read.',
  'cms-digest-mismatch': 'its message is not what it signed: it was changed on the way, or made up.',
  'signature-invalid': 'the signature under its message is wrong.',
  'blocked-by-policy': 'the policy does not let it in.',
  'quarantined-by-policy': 'somebody has to decide about it first.',
  'model-not-approved': 'its model is not approved. Approving the model helps.',
  'model-missing': 'it did not say which model it is.',
  'model-unknown': 'its model is not in the catalogue. A newer catalogue may know it.',
  'blocked-by-rule': 'a rule blocks it.',
  'blocked-by-exemption': 'somebody refused this very phone.',
  'device-revoked': 'this phone was reported lost or retired. It stays out until an admin releases it.',
  'device-held': 'this phone is on hold until it is released.',
  'person-held': 'its owner is on hold until they are released.',
  'evidence-too-weak': 'its model is approved, but not with so little evidence.',
}

/** A clause that ends its sentence. */
export const refusalInWords = (code: string): string => words[code as ErrorCode] ?? 'something did not work. The record and the log say more.'
