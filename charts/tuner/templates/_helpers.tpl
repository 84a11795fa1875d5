{{- define "tuner.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "tuner.operator" -}}
{{ include "tuner.fullname" . }}-operator
{{- end -}}

{{- define "tuner.minio" -}}
{{ include "tuner.fullname" . }}-minio
{{- end -}}

{{- define "tuner.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (include "tuner.operator" .) }}
{{- end -}}

{{/* Labels of a component: (dict "root" $ "component" "operator") */}}
{{- define "tuner.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "tuner.labels" -}}
{{ include "tuner.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end -}}

{{/* An image: (dict "root" $ "name" "agent") */}}
{{- define "tuner.image" -}}
{{- with .root.Values.image -}}
{{ with .registry }}{{ . }}/{{ end }}{{ .repository }}/{{ $.name }}:{{ .tag | default $.root.Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "tuner.endpoint" -}}
{{- if .Values.objectStore.endpoint -}}
{{ .Values.objectStore.endpoint }}
{{- else if .Values.minio.enabled -}}
{{ include "tuner.minio" . }}.{{ .Release.Namespace }}.svc:9000
{{- else -}}
{{- fail "objectStore.endpoint is empty: name an S3 service, or set minio.enabled=true to try things out" -}}
{{- end -}}
{{- end -}}

{{/* The store's settings as the processes read them (TUNER_STORE). */}}
{{- define "tuner.store" -}}
{{- $inside := and .Values.minio.enabled (not .Values.objectStore.endpoint) -}}
{{- dict "endpoint" (include "tuner.endpoint" .) "bucket" .Values.objectStore.bucket "region" .Values.objectStore.region "secure" (and .Values.objectStore.secure (not $inside)) "path_style" (or .Values.objectStore.pathStyle $inside) | toJson -}}
{{- end -}}

{{/* The security context of our containers. */}}
{{- define "tuner.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- define "tuner.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end -}}
