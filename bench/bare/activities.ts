export interface BareActivities {
  runTurn(turnId: string): Promise<void>;
}

export const bareActivities: BareActivities = {
  runTurn: () => Promise.resolve(),
};
