/** Everything that can be asked of the service, by API, by command and from the console. */
import type { Operation } from './operation.ts'
import * as access from './operations/access.ts'
import * as approvals from './operations/approvals.ts'
import * as authorities from './operations/authorities.ts'
import * as authorityImport from './operations/authority-import.ts'
import * as authorityRoot from './operations/authority-root.ts'
import * as audit from './operations/audit.ts'
import * as catalogue from './operations/catalogue.ts'
import * as certificates from './operations/certificates.ts'
import * as devices from './operations/devices.ts'
import * as deviceStories from './operations/device-story.ts'
import * as exemptions from './operations/exemptions.ts'
import * as frontEnds from './operations/front-ends.ts'
import * as invitationBatch from './operations/invitation-batch.ts'
import * as invitations from './operations/invitations.ts'
import * as models from './operations/models.ts'
import * as overview from './operations/overview.ts'
import * as policy from './operations/policy.ts'
import * as policyChanges from './operations/policy-changes.ts'
import * as templates from './operations/templates.ts'

/** In the order in which the document lists them. A path of fixed words stands before one with parameters that would match it. */
export const operations: readonly Operation[] = [
  overview.overviewShow,
  models.modelList, models.modelShow, approvals.approvalList, approvals.modelApprove, approvals.modelWithdraw,
  catalogue.catalogueShow, catalogue.catalogueUpdate,
  policy.policyList, policy.policyAdd, policy.policyRemove, policy.policyExplain,
  policyChanges.policyPreview, policyChanges.policyChangeList, policyChanges.policyChangeShow, policyChanges.policyChangeEffects, policyChanges.policyApply, policyChanges.policyUndo,
  exemptions.exemptionList, exemptions.exempt, exemptions.exemptionEnd,
  invitations.inviteList, invitations.inviteCreate, invitationBatch.inviteBatch, invitations.inviteShow, invitations.inviteEnd,
  devices.deviceList, devices.deviceShow, deviceStories.deviceStory, deviceStories.evidenceShow, devices.deviceExplain, devices.deviceApprove, devices.deviceRefuse,
  certificates.certList, certificates.certRevoke, certificates.certHold, certificates.certRelease, certificates.certShow,
  templates.templateList, templates.templateCheck, templates.templateShow, templates.templateSet,
  frontEnds.frontEndList, frontEnds.frontEndAdd, frontEnds.frontEndEnd,
  access.adminList, access.setupLinkCreate, access.adminCreate, access.adminEnd, access.adminLinkCreate, access.tokenList, access.tokenCreate, access.tokenEnd,
  authorities.authorityShow, authorityRoot.authorityExportRoot, authorityRoot.authorityRootCrl, authorities.authorityRenewSigners, authorityImport.authorityImport,
  audit.auditList, audit.auditShow,
]
