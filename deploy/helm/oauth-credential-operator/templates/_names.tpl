{{- define "operator.name" -}}
{{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The name of the objects of a release: the release's own when that says what it is. */}}
{{- define "operator.fullname" -}}
{{- $name := include "operator.name" . -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains $name .Release.Name -}}
{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" }}
{{- end -}}
{{- end }}

{{- define "operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* What the Pod of `helm test` is called by its label: not as the operator, or it would count as a replica. */}}
{{- define "operator.testName" -}}
{{ include "operator.name" . | trunc 58 | trimSuffix "-" }}-test
{{- end }}

{{- define "operator.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name (replace "+" "_" .Chart.Version) }}
{{ include "operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{ default (include "operator.fullname" .) .Values.serviceAccount.name }}
{{- else -}}
{{ required "serviceAccount.name is required when serviceAccount.create is false" .Values.serviceAccount.name }}
{{- end -}}
{{- end }}

{{- define "operator.image" -}}
{{- if .Values.image.digest -}}
{{ printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else -}}
{{ printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end -}}
{{- end }}

{{/* The environment by name: what the user gives replaces what the chart gives. */}}
{{- define "operator.env" -}}
{{- $own := list
  (dict "name" "POD_NAME" "valueFrom" (dict "fieldRef" (dict "fieldPath" "metadata.name")))
  (dict "name" "POD_UID" "valueFrom" (dict "fieldRef" (dict "fieldPath" "metadata.uid"))) -}}
{{- $given := dict -}}
{{- range .Values.extraEnv }}{{ $_ := set $given .name . }}{{ end -}}
{{- $all := list -}}
{{- range $own }}{{ if not (hasKey $given .name) }}{{ $all = append $all . }}{{ end }}{{ end -}}
{{- range .Values.extraEnv }}{{ if eq (toJson .) (toJson (get $given .name)) }}{{ $all = append $all . }}{{ end }}{{ end -}}
{{- toYaml $all }}
{{- end }}

{{/* True when a monitor is to be rendered: "yes" or nothing. Takes root and the monitor's values. */}}
{{- define "operator.rendersMonitor" -}}
{{- $known := .root.Capabilities.APIVersions.Has (printf "monitoring.coreos.com/v1/%s" .kind) -}}
{{- if .values.enabled -}}
{{- if or $known (eq .values.renderMode "alwaysRender") -}}
yes
{{- else if eq .values.renderMode "failIfMissing" -}}
{{ fail (printf "The API server does not know %s of monitoring.coreos.com/v1." .kind) }}
{{- end -}}
{{- end -}}
{{- end }}
