/** Addresses in the Temporal UI. */
export type UiPlace = { workflowId: string } | { scheduleId: string };

export function toTemporalUrl(uiUrl: string, namespace: string, place: UiPlace): string {
  const what =
    'workflowId' in place
      ? `workflows/${encodeURIComponent(place.workflowId)}`
      : `schedules/${encodeURIComponent(place.scheduleId)}`;
  return `${uiUrl.replace(/\/+$/, '')}/namespaces/${encodeURIComponent(namespace)}/${what}`;
}
